export function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden>
      <path d="M14 6.5 23 2v9z" fill="var(--ph-lamp)" opacity={0.4} />
      <circle cx="11" cy="6.5" r="2.6" fill="var(--ph-lamp)" />
      <path d="M8.6 10.5h4.800L15 21.5H7z" fill="currentColor" />
      <path d="M6 21.5h10" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
    </svg>
  );
}
