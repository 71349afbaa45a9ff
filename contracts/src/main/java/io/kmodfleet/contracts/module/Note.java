package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * An ELF note (elf(5), Nhdr).
 *
 * @param owner who gives {@code type} its meaning: {@code GNU}, {@code Linux}
 * @param content in hexadecimal
 */
public record Note(String owner, int type, String content) {

    private static final int HEADER = 12;
    private static final int MOST = 1024;
    private static final int LONGEST = 64 * 1024;
    private static final int GNU_BUILD_ID = 3;

    /** {@code LINUX_ELFNOTE_BUILD_SALT} (include/linux/build-salt.h). */
    private static final int LINUX_BUILD_SALT = 0x100;

    static List<Note> allOf(Elf elf) throws NotAModule {
        List<Note> notes = new ArrayList<>();
        for (Elf.Section section : elf.sections()) {
            if (section.type() == Elf.SHT_NOTE || section.name().equals(".note.gnu.build-id")) {
                read(section, notes);
            }
        }
        return notes;
    }

    /** As the kernel shows it in {@code /sys/module/<name>/notes} once the module is loaded. */
    static Optional<String> buildId(List<Note> notes) {
        return notes.stream()
                .filter(note -> note.owner.equals("GNU") && note.type == GNU_BUILD_ID && !note.content.isEmpty())
                .map(Note::content)
                .findFirst();
    }

    /** {@code CONFIG_BUILD_SALT} of the kernel it was built for; distributions put the release there. */
    static Optional<String> buildSalt(List<Note> notes) {
        return notes.stream()
                .filter(note -> note.owner.equals("Linux") && note.type == LINUX_BUILD_SALT)
                .map(note ->
                        new String(HexFormat.of().parseHex(note.content), StandardCharsets.UTF_8).replace("\0", ""))
                .findFirst();
    }

    private static void read(Elf.Section section, List<Note> notes) throws NotAModule {
        ByteBuffer bytes = section.bytes();
        int unit = section.align() == Long.BYTES ? Long.BYTES : Integer.BYTES;
        while (bytes.hasRemaining()) {
            Elf.require(bytes.remaining() >= HEADER, "whole notes in " + section.name(), "they end too early");
            Elf.require(notes.size() < MOST, "at most " + MOST + " notes", "there are more");
            int ownerLength = bytes.getInt();
            int contentLength = bytes.getInt();
            int type = bytes.getInt();
            byte[] owner = taken(bytes, ownerLength, unit, section);
            byte[] content = taken(bytes, contentLength, unit, section);
            int end = ownerLength > 0 && owner[ownerLength - 1] == 0 ? ownerLength - 1 : ownerLength;
            notes.add(new Note(
                    new String(owner, 0, end, StandardCharsets.UTF_8),
                    type,
                    HexFormat.of().formatHex(content)));
        }
    }

    private static byte[] taken(ByteBuffer bytes, int length, int unit, Elf.Section section) throws NotAModule {
        boolean fits = length >= 0 && length <= bytes.remaining() && length <= LONGEST;
        Elf.require(fits, "whole notes in " + section.name(), "they end too early");
        byte[] taken = new byte[length];
        bytes.get(taken);
        // The last one need not be filled up.
        int gap = (unit - bytes.position() % unit) % unit;
        bytes.position(Math.min(bytes.limit(), bytes.position() + gap));
        return taken;
    }
}
