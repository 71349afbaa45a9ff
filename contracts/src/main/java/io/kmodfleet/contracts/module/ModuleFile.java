package io.kmodfleet.contracts.module;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelInterface;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A kernel module, read whole from the bytes of its file. What is read is what the kernel would take, and a little less: no
 * module that two readers could understand differently.
 *
 * @param compression how the file lies on disk
 * @param body SHA-256 of the unsigned, uncompressed bytes: two builds agree when their bodies are equal
 * @param signed whether a signature trailer was cut off
 * @param signer whose key signed it, where the trailer says so
 * @param buildId GNU build-id in hexadecimal, as the kernel shows it in {@code /sys/module/<name>/notes} once it is loaded
 * @param machine {@code e_machine} of the ELF header: 62 is x86-64, 183 is arm64
 * @param bigEndian its byte order
 * @param structSize bytes of {@code struct module} in the kernel it was built for: {@code .gnu.linkonce.this_module}
 * @param structName the name that its {@code struct module} has, which is the one the kernel loads it under; absent where the
 *     kernel was built with a layout of its own
 * @param info its {@code .modinfo}
 * @param notes its ELF notes
 * @param versions the CRCs it was built with, in its two tables
 * @param imports the symbols it does not define
 * @param exports the symbols it offers to other modules
 */
public record ModuleFile(
        Compression compression,
        Digest body,
        boolean signed,
        Optional<ModuleSigner> signer,
        Optional<String> buildId,
        int machine,
        boolean bigEndian,
        int structSize,
        Optional<String> structName,
        ModuleInfo info,
        List<Note> notes,
        SymbolVersions versions,
        List<Import> imports,
        List<Export> exports) {

    /** {@code enum module_state state; struct list_head list; char name[]} (include/linux/module.h), on 64 bits. */
    private static final int STRUCT_NAME = 24;

    private static final int STRUCT_NAME_SIZE = 56;

    public ModuleFile {
        notes = List.copyOf(notes);
        imports = List.copyOf(imports);
        exports = List.copyOf(exports);
    }

    public static ModuleFile read(byte[] file) throws NotAModule {
        byte[] expanded = Compression.expand(file);
        try {
            Trailer trailer = Trailer.of(expanded);
            ByteBuffer body = trailer.body(expanded);
            Elf elf = Elf.read(body);
            ByteBuffer self = elf.only(".gnu.linkonce.this_module");
            ModuleInfo info = ModuleInfo.parse(elf.only(".modinfo"));
            Symbols symbols = Symbols.read(elf, info.values().containsKey("livepatch"));
            List<Note> notes = Note.allOf(elf);
            return new ModuleFile(
                    Compression.of(file),
                    digest(body),
                    trailer.signature().isPresent(),
                    trailer.signature().flatMap(ModuleSigner::of),
                    Note.buildId(notes),
                    elf.machine(),
                    elf.order() == ByteOrder.BIG_ENDIAN,
                    self.limit(),
                    structName(self, info),
                    info,
                    notes,
                    SymbolVersions.read(elf),
                    symbols.imports(),
                    symbols.exports());
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new NotAModule("Expected a whole ELF file, but it ends too early");
        }
    }

    private static Digest digest(ByteBuffer body) {
        MessageDigest digest = Digest.sha256();
        digest.update(body.duplicate());
        return Digest.of(digest);
    }

    /** The symbols it imports, with the CRCs the kernel compares; empty on kernels without modversions. */
    public List<SymbolVersion> symbolVersions() {
        return versions.used();
    }

    /** The name {@code uname -m} gives to {@link #machine}, where it is one we know. */
    public Optional<String> arch() {
        return switch (machine) {
            case 62 -> Optional.of("x86_64");
            case 183 -> Optional.of("aarch64");
            case 243 -> Optional.of("riscv64");
            case 21 -> Optional.of(bigEndian ? "ppc64" : "ppc64le");
            case 22 -> Optional.of("s390x");
            default -> Optional.empty();
        };
    }

    /** {@code CONFIG_BUILD_SALT} of the kernel it was built for; distributions put the release there. */
    public Optional<String> buildSalt() {
        return Note.buildSalt(notes);
    }

    /**
     * What it asks of a kernel; absent where no CRCs say so, or one symbol has two. Where only the extended table has CRCs, the
     * kernel compares its release too ({@code same_magic}): then no other kernel takes it.
     */
    public Optional<KernelInterface> needs() {
        SortedMap<String, String> crcs = new TreeMap<>();
        for (SymbolVersion symbol : symbolVersions()) {
            String other = crcs.put(symbol.name(), symbol.hex());
            if (other != null && !other.equals(symbol.hex())) {
                return Optional.empty();
            }
        }
        return crcs.isEmpty() || versions.basic().isEmpty()
                ? Optional.empty()
                : Optional.of(new KernelInterface(info.flags(), structSize, crcs));
    }

    private static Optional<String> structName(ByteBuffer self, ModuleInfo info) throws NotAModule {
        if (info.flags().contains("RANDSTRUCT") || self.limit() < STRUCT_NAME + STRUCT_NAME_SIZE) {
            return Optional.empty();
        }
        return Optional.of(Elf.textAt(self.slice(STRUCT_NAME, STRUCT_NAME_SIZE), 0));
    }
}
