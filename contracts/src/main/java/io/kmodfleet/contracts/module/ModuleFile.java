package io.kmodfleet.contracts.module;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelInterface;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A kernel module, read from the bytes of its file.
 *
 * @param compression how the file lies on disk
 * @param body SHA-256 of the unsigned, uncompressed bytes: two builds agree when their bodies are equal
 * @param signed whether a signature trailer was cut off
 * @param signer whose key signed it, where the trailer says so
 * @param buildId GNU build-id in hexadecimal, as the kernel shows it in {@code /sys/module/<name>/notes} once it is loaded
 * @param machine {@code e_machine} of the ELF header: 62 is x86-64, 183 is arm64
 * @param structSize bytes of {@code struct module} in the kernel it was built for: {@code .gnu.linkonce.this_module}
 * @param info its {@code .modinfo}
 * @param symbolVersions the symbols it imports, with the CRCs it was built with; empty on kernels without modversions
 */
public record ModuleFile(
        Compression compression,
        Digest body,
        boolean signed,
        Optional<ModuleSigner> signer,
        Optional<String> buildId,
        int machine,
        int structSize,
        ModuleInfo info,
        List<SymbolVersion> symbolVersions) {

    /** {@code struct module_signature}, 12 bytes, and the marker behind it (include/linux/module_signature.h). */
    private static final byte[] SIGNATURE_MARKER =
            "~Module signature appended~\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private static final int SIGNATURE_STRUCT = 12;
    private static final String BUILD_ID = ".note.gnu.build-id";
    private static final int BUILD_ID_TYPE = 3;
    private static final byte[] GNU = {'G', 'N', 'U', 0};
    private static final int NOTE_HEADER = 16;
    private static final byte PKCS7 = 2;

    public static ModuleFile read(byte[] file) throws NotAModule {
        byte[] expanded = Compression.expand(file);
        int bodyLength = expanded.length - trailerLength(expanded);
        byte[] body = bodyLength == expanded.length ? expanded : Arrays.copyOf(expanded, bodyLength);
        try {
            Elf elf = Elf.read(body);
            return new ModuleFile(
                    Compression.of(file),
                    Digest.of(body),
                    body.length < expanded.length,
                    signerOf(expanded, bodyLength),
                    buildId(elf.atMostOne(BUILD_ID)),
                    elf.machine(),
                    elf.only(".gnu.linkonce.this_module").limit(),
                    ModuleInfo.parse(elf.only(".modinfo")),
                    SymbolVersion.parseAll(elf));
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new NotAModule("Expected a whole ELF file, but it ends too early");
        }
    }

    /** The name {@code uname -m} gives to {@link #machine}, where it is one we know. */
    public Optional<String> arch() {
        return switch (machine) {
            case 62 -> Optional.of("x86_64");
            case 183 -> Optional.of("aarch64");
            case 243 -> Optional.of("riscv64");
            case 21 -> Optional.of("ppc64le");
            case 22 -> Optional.of("s390x");
            default -> Optional.empty();
        };
    }

    /** What it asks of a kernel; absent where no CRCs say so, or one symbol has two. */
    public Optional<KernelInterface> needs() {
        SortedMap<String, String> crcs = new TreeMap<>();
        for (SymbolVersion symbol : symbolVersions) {
            String other = crcs.put(symbol.name(), symbol.hex());
            if (other != null && !other.equals(symbol.hex())) {
                return Optional.empty();
            }
        }
        return crcs.isEmpty() ? Optional.empty() : Optional.of(new KernelInterface(info.flags(), structSize, crcs));
    }

    /** Of {@code PKCS#7 | struct module_signature | marker} at the end; 0 where it is not there. */
    private static int trailerLength(byte[] file) throws NotAModule {
        int markerAt = file.length - SIGNATURE_MARKER.length;
        if (markerAt < 0 || !Arrays.equals(file, markerAt, file.length, SIGNATURE_MARKER, 0, SIGNATURE_MARKER.length)) {
            return 0;
        }
        int structAt = markerAt - SIGNATURE_STRUCT;
        if (structAt < 0) {
            throw new NotAModule("Expected a module before its signature trailer, but there is none");
        }
        byte[] struct = Arrays.copyOfRange(file, structAt, markerAt);
        byte[] expected = {0, 0, PKCS7, 0, 0, 0, 0, 0};
        if (!Arrays.equals(struct, 0, expected.length, expected, 0, expected.length)) {
            throw new NotAModule("Expected a PKCS#7 module signature, but the trailer says another form");
        }
        long length = ByteBuffer.wrap(struct).getInt(8) & 0xffff_ffffL;
        if (length == 0 || length >= structAt) {
            throw new NotAModule(
                    "Expected a signature of 1 to " + (structAt - 1) + " bytes, but the trailer says " + length);
        }
        return (int) length + SIGNATURE_STRUCT + SIGNATURE_MARKER.length;
    }

    private static Optional<ModuleSigner> signerOf(byte[] file, int bodyLength) {
        int length = file.length - bodyLength - SIGNATURE_STRUCT - SIGNATURE_MARKER.length;
        return length > 0 ? ModuleSigner.of(ByteBuffer.wrap(file, bodyLength, length)) : Optional.empty();
    }

    /** The note {@code GNU}, type 3 (elf(5), Nhdr). */
    private static Optional<String> buildId(Optional<ByteBuffer> section) {
        if (section.isEmpty() || section.get().remaining() < NOTE_HEADER) {
            return Optional.empty();
        }
        ByteBuffer note = section.get();
        int nameSize = note.getInt();
        int size = note.getInt();
        int type = note.getInt();
        byte[] name = new byte[GNU.length];
        note.get(name);
        boolean found = nameSize == GNU.length && type == BUILD_ID_TYPE && Arrays.equals(name, GNU);
        if (!found || size < 1 || size > note.remaining()) {
            return Optional.empty();
        }
        byte[] id = new byte[size];
        note.get(id);
        return Optional.of(HexFormat.of().formatHex(id));
    }
}
