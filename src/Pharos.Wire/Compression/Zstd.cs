using System.Buffers;
using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Pharos.Wire.Compression;

/// <summary>
/// Zstandard by the system's own libzstd, looked up once. Safe for several threads: compression contexts are pooled.
/// </summary>
public static unsafe partial class Zstd
{
    private const string Library = "pharos-zstd";

    private static readonly string[] FileNames = OperatingSystem.IsWindows()
        ? ["libzstd.dll", "zstd.dll"]
        : OperatingSystem.IsMacOS() ? ["libzstd.1.dylib", "libzstd.dylib", "/opt/homebrew/lib/libzstd.dylib"] : ["libzstd.so.1", "libzstd.so"];

    private static readonly Lazy<nint> Handle = new(Load);
    private static readonly ConcurrentBag<nint> Compressors = [];
    private static readonly ConcurrentBag<nint> Decompressors = [];

    static Zstd() => NativeLibrary.SetDllImportResolver(
        Assembly.GetExecutingAssembly(), static (name, _, _) => name == Library ? Handle.Value : nint.Zero);

    /// <summary>Whether libzstd was found.</summary>
    public static bool IsAvailable => Handle.Value != nint.Zero;

    /// <summary>What to do where it was not.</summary>
    public static string MissingMessage =>
        "libzstd is not installed; install the package libzstd1 (Debian, Ubuntu), libzstd (Fedora, SUSE), zstd-libs (Alpine) or zstd (macOS)";

    public static int CompressedBytesMax(int length) => checked(length + (length >> 8) + 1024);

    /// <summary>Packs into <paramref name="output"/>, which has room for <see cref="CompressedBytesMax"/>. Returns the packed length.</summary>
    /// <exception cref="NotSupportedException">libzstd is missing; the message names the package.</exception>
    public static int Compress(ReadOnlySpan<byte> input, Span<byte> output, int level)
    {
        Require();
        if (!Compressors.TryTake(out nint context)) context = CreateCompressor();
        try
        {
            fixed (byte* source = input, destination = output)
            {
                byte none = 0;
                nuint written = CompressWith(context, destination, (nuint)output.Length, source is null ? &none : source, (nuint)input.Length, level);
                if (IsError(written) != 0) throw new InvalidOperationException($"zstd: {ErrorName(written)}");
                return (int)written;
            }
        }
        finally
        {
            Compressors.Add(context);
        }
    }

    /// <summary>Unpacks one frame so that it fills <paramref name="output"/> exactly; false where it does not or is damaged.</summary>
    /// <exception cref="NotSupportedException">libzstd is missing; the message names the package.</exception>
    public static bool TryDecompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Require();
        if (!Decompressors.TryTake(out nint context)) context = CreateDecompressor();
        try
        {
            fixed (byte* source = input, destination = output)
            {
                byte none = 0;
                nuint written = DecompressWith(context, destination is null ? &none : destination, (nuint)output.Length, source, (nuint)input.Length);
                return IsError(written) == 0 && written == (nuint)output.Length;
            }
        }
        finally
        {
            Decompressors.Add(context);
        }
    }

    /// <summary>Unpacks one frame into a buffer rented from the shared array pool; the caller returns it.</summary>
    /// <param name="bytesMax">Largest unpacked length that is taken.</param>
    /// <exception cref="WireFormatException">The data is damaged or too large, or libzstd is missing; the message names the package.</exception>
    public static byte[] Decompress(ReadOnlySpan<byte> input, long bytesMax, out int length)
    {
        if (!IsAvailable) throw new WireFormatException(WireErrorKind.Unsupported, MissingMessage);
        long most = Math.Min(bytesMax, Array.MaxLength);
        ulong claimed;
        fixed (byte* source = input) claimed = FrameContentSize(source, (nuint)input.Length);
        if (claimed == ulong.MaxValue - 1) throw new WireFormatException(WireErrorKind.Malformed, "the body is no zstd frame");
        bool known = claimed != ulong.MaxValue;
        if (known && claimed > (ulong)most) throw TooLarge(bytesMax);
        // A frame that does not say its size is tried with growing room.
        long room = known ? Math.Max(1, (long)claimed) : Math.Min(most, Math.Max(4096, input.Length * 8L));
        while (true)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent((int)room);
            if (!Decompressors.TryTake(out nint context)) context = CreateDecompressor();
            nuint written;
            fixed (byte* source = input, destination = buffer) written = DecompressWith(context, destination, (nuint)buffer.Length, source, (nuint)input.Length);
            Decompressors.Add(context);
            if (IsError(written) == 0 && (long)written <= most)
            {
                length = (int)written;
                return buffer;
            }
            ArrayPool<byte>.Shared.Return(buffer);
            const int destinationTooSmall = 70;
            bool tooSmall = IsError(written) == 0 || ErrorCode(written) == destinationTooSmall;
            if (!tooSmall || known) throw new WireFormatException(WireErrorKind.Malformed, $"the zstd body is damaged: {(IsError(written) == 0 ? "wrong size" : ErrorName(written))}");
            if (room >= most) throw TooLarge(bytesMax);
            room = Math.Min(most, room * 4);
        }
    }

    private static WireFormatException TooLarge(long bytesMax) => new(WireErrorKind.TooLarge, $"the unpacked body is over the limit of {bytesMax} bytes");

    private static void Require()
    {
        if (!IsAvailable) throw new NotSupportedException(MissingMessage);
    }

    private static nint Load()
    {
        foreach (string file in FileNames)
        {
            if (NativeLibrary.TryLoad(file, out nint handle)) return handle;
        }
        return nint.Zero;
    }

    private static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(ErrorNameOf(code)) ?? "unknown error";

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    private static partial nint CreateCompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial nint CreateDecompressor();

    [LibraryImport(Library, EntryPoint = "ZSTD_compressCCtx")]
    private static partial nuint CompressWith(nint context, byte* destination, nuint capacity, byte* source, nuint length, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressDCtx")]
    private static partial nuint DecompressWith(nint context, byte* destination, nuint capacity, byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_getFrameContentSize")]
    private static partial ulong FrameContentSize(byte* source, nuint length);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorCode")]
    private static partial int ErrorCode(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorNameOf(nuint code);
}
