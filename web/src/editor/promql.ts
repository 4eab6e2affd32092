import { autocompletion } from '@codemirror/autocomplete';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import type { Extension } from '@codemirror/state';
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';
import { headers } from '../api/client';
import { parseMatcher, quote, type Matcher } from '../format/labels';

/** Highlighting, completion against the server and checking while typing. */
export function promqlLanguage(): Extension {
  const language = new PromQLExtension()
    .activateLinter(true)
    .setComplete({
      remote: {
        url: '/prometheus',
        lookbackInterval: 6 * 3_600_000,
        fetchFn: (input, init) => fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers ?? {})), ...headers() } }),
      },
    })
    .asExtension();
  return [autocompletion(), language];
}

function selectors(expr: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name === 'VectorSelector') found.push(node.node);
    },
  });
  return found;
}

/** The matchers of every selector in the expression, without the metric name. */
export function matchersOf(expr: string): Matcher[] {
  const matchers: Matcher[] = [];
  for (const selector of selectors(expr)) {
    selector.cursor().iterate((node) => {
      if (node.name !== 'UnquotedLabelMatcher' && node.name !== 'QuotedLabelMatcher') return;
      const parsed = parseMatcher(expr.slice(node.from, node.to));
      if (parsed !== null) matchers.push(parsed);
    });
  }
  return matchers;
}

/** The expression with the matcher in every selector; one on the same label with `=` is replaced. */
export function withMatcher(expr: string, name: string, value: string, equal: boolean): string {
  const added = `${/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name)}${equal ? '=' : '!='}${quote(value)}`;
  let result = expr;
  for (const selector of selectors(expr).sort((a, b) => b.from - a.from)) {
    const braces = selector.getChild('LabelMatchers');
    if (braces === null) {
      result = `${result.slice(0, selector.to)}{${added}}${result.slice(selector.to)}`;
      continue;
    }
    const inner = [...braces.getChildren('UnquotedLabelMatcher'), ...braces.getChildren('QuotedLabelMatcher'), ...braces.getChildren('QuotedLabelName')].sort((a, b) => a.from - b.from).map((each) => expr.slice(each.from, each.to));
    const kept = inner.filter((each) => {
      const parsed = parseMatcher(each);
      return !(parsed !== null && parsed.name === name && !parsed.isRegex && (parsed.isEqual ? equal || parsed.value === value : parsed.value === value));
    });
    result = `${result.slice(0, braces.from)}{${[...kept, added].join(', ')}}${result.slice(braces.to)}`;
  }
  return result;
}
