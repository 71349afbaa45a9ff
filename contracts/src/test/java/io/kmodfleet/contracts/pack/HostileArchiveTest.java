package io.kmodfleet.contracts.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.management.ThreadMXBean;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;

/** Threats 12 and 13, on both kinds of archive: what may be in one, and what reading one may cost. */
class HostileArchiveTest {

    private static final int MEBIBYTE = 1 << 20;

    /** What the JVM takes for itself, the archive, and what was read of it before the end came. */
    private static final long FLAT = 24L * MEBIBYTE;

    private interface Writing {
        void to(TarArchiveOutputStream tar) throws IOException;
    }

    @Test
    void links_devices_and_pipes_are_no_files() throws IOException {
        for (byte type : new byte[] {
            TarConstants.LF_LINK,
            TarConstants.LF_SYMLINK,
            TarConstants.LF_CHR,
            TarConstants.LF_BLK,
            TarConstants.LF_FIFO,
            TarConstants.LF_CONTIG
        }) {
            byte[] archive = source(tar -> {
                TarArchiveEntry entry = new TarArchiveEntry("a.c", type);
                entry.setLinkName("/etc/passwd");
                tar.putArchiveEntry(entry);
                tar.closeArchiveEntry();
            });
            assertThat(refusal(archive).rule()).as("type %c", type).isEqualTo(Rule.WRONG_MEMBERS);
        }
    }

    @Test
    void names_that_lead_out_of_the_tree_are_refused_however_they_are_written() throws IOException {
        for (String name : List.of(
                "../escape",
                "a/../../escape",
                "/etc/cron.d/escape",
                "//etc/escape",
                "./../escape",
                "a/./b",
                "a//b",
                "line\nbreak",
                "../" + "x".repeat(200))) {
            byte[] archive = source(tar -> file(tar, new TarArchiveEntry(name, true), new byte[1]));
            assertThat(refusal(archive).rule()).as(name).isEqualTo(Rule.WRONG_MEMBERS);
        }
    }

    @Test
    void a_pax_header_cannot_rename_a_file_out_of_the_tree() throws IOException {
        byte[] archive = source(tar -> {
            TarArchiveEntry entry = new TarArchiveEntry("harmless.c");
            entry.addPaxHeader("path", "../escape");
            file(tar, entry, new byte[1]);
        });
        assertThat(refusal(archive).rule()).isEqualTo(Rule.WRONG_MEMBERS);
    }

    @Test
    void the_same_file_twice_is_refused() throws IOException {
        assertThat(refusal(source(tar -> file(tar, new TarArchiveEntry("./dkms.conf"), new byte[1])))
                        .rule())
                .isEqualTo(Rule.WRONG_MEMBERS);
    }

    @Test
    void directories_are_passed_over() throws IOException {
        byte[] archive = source(tar -> {
            tar.putArchiveEntry(new TarArchiveEntry("src/"));
            tar.closeArchiveEntry();
        });
        assertThatCode(() -> SourcePackage.read(archive)).doesNotThrowAnyException();
    }

    @Test
    void a_source_cut_off_at_any_byte_is_refused() {
        for (int length = 0; length < PackageFixture.SOURCE.length; length++) {
            byte[] cut = Arrays.copyOf(PackageFixture.SOURCE, length);
            assertThat(refusal(cut).rule()).as("cut at %d", length).isEqualTo(Rule.NOT_AN_ARCHIVE);
        }
    }

    @Test
    void nothing_hides_behind_the_end() throws IOException {
        byte[] behindTheGzip = Arrays.copyOf(PackageFixture.SOURCE, PackageFixture.SOURCE.length + 1);
        ByteArrayOutputStream another = new ByteArrayOutputStream();
        another.writeBytes(PackageFixture.SOURCE);
        another.writeBytes(PackageFixture.SOURCE);
        byte[] behindTheTar = gzip(out -> {
            out.write(tar(tar -> file(tar, new TarArchiveEntry("dkms.conf"), PackageFixture.DKMS_CONF)));
            out.write(tar(tar -> file(tar, new TarArchiveEntry("hidden"), new byte[1])));
        });

        assertThat(refusal(behindTheGzip).evidence()).contains("behind the end of the gzip");
        assertThat(refusal(another.toByteArray()).evidence()).contains("behind the end of the gzip");
        assertThat(refusal(behindTheTar).evidence()).contains("behind the end of the tar");
    }

    @Test
    void a_name_as_long_as_the_memory_is_refused_before_it_is_kept() throws IOException {
        for (byte type : new byte[] {
            TarConstants.LF_GNUTYPE_LONGNAME,
            TarConstants.LF_GNUTYPE_LONGLINK,
            TarConstants.LF_PAX_EXTENDED_HEADER_LC,
            TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER
        }) {
            int size = 100 * MEBIBYTE;
            boolean pax = type == TarConstants.LF_PAX_EXTENDED_HEADER_LC
                    || type == TarConstants.LF_PAX_GLOBAL_EXTENDED_HEADER;
            byte[] archive = gzip(out -> {
                TarArchiveEntry entry = new TarArchiveEntry("name", type);
                entry.setSize(size);
                byte[] header = new byte[512];
                entry.writeEntryHeader(header);
                out.write(header);
                byte[] begin = (pax ? size + " path=" : "").getBytes(StandardCharsets.US_ASCII);
                out.write(begin);
                fill(out, size - begin.length, (byte) 'a');
            });
            assertCheap(archive, Rule.TOO_LARGE);
        }
    }

    @Test
    void a_size_that_the_archive_does_not_have_takes_no_memory() throws IOException {
        byte[] archive = gzip(out -> {
            TarArchiveEntry entry = new TarArchiveEntry("big");
            entry.setSize(2L * 1024 * MEBIBYTE);
            byte[] header = new byte[512];
            entry.writeEntryHeader(header);
            out.write(header);
        });
        assertCheap(archive, Rule.TOO_LARGE);
    }

    @Test
    void a_long_tail_of_nothing_is_refused() throws IOException {
        byte[] archive = gzip(out -> {
            out.write(tar(tar -> file(tar, new TarArchiveEntry("dkms.conf"), PackageFixture.DKMS_CONF)));
            fill(out, 100 * MEBIBYTE, (byte) 0);
        });
        assertCheap(archive, Rule.TOO_LARGE);
    }

    @Test
    void whatever_bytes_are_changed_it_is_read_or_refused_and_never_fails_otherwise() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        byte[] plain = unzipped(PackageFixture.SOURCE);
        for (int i = 0; i < 5_000; i++) {
            byte[] changed = plain.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(1024)] = (byte) random.nextInt();
            }
            try {
                SourcePackage.read(gzip(out -> out.write(changed)));
            } catch (Refusal e) {
                assertThat(e.evidence()).as("seed %d", seed).isNotEmpty();
            } catch (IOException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    void a_package_takes_none_of_the_entries_that_reach_out_of_it_or_hide_in_it() throws IOException {
        Map<String, Writing> hostile = new LinkedHashMap<>();
        for (String name : List.of(
                "../escape",
                "module/../../escape",
                "/etc/cron.d/escape",
                "//etc/escape",
                "line\nbreak",
                "./manifest.json")) {
            hostile.put("named " + name, tar -> file(tar, new TarArchiveEntry(name, true), new byte[1]));
        }
        for (byte type : new byte[] {
            TarConstants.LF_LINK,
            TarConstants.LF_SYMLINK,
            TarConstants.LF_CHR,
            TarConstants.LF_BLK,
            TarConstants.LF_FIFO,
            TarConstants.LF_CONTIG,
            TarConstants.LF_GNUTYPE_SPARSE,
            (byte) 'V'
        }) {
            hostile.put("of type " + (char) type, tar -> link(tar, "entry", type));
        }
        hostile.put("a link and a file behind it", tar -> {
            link(tar, "module/toy", TarConstants.LF_SYMLINK);
            file(tar, new TarArchiveEntry("module/toy/passwd"), new byte[1]);
        });
        hostile.put("a member twice", tar -> file(tar, new TarArchiveEntry("dkms.conf"), new byte[1]));
        hostile.put("one member more", tar -> file(tar, new TarArchiveEntry("post_install.sh"), new byte[1]));
        hostile.put("renamed by a pax header", tar -> {
            TarArchiveEntry entry = new TarArchiveEntry("harmless");
            entry.addPaxHeader("path", "../escape");
            file(tar, entry, new byte[1]);
        });
        hostile.put("sparse by a pax header", tar -> {
            StringBuilder records = new StringBuilder();
            for (String record : List.of(
                    "GNU.sparse.name=../escape", "GNU.sparse.size=1", "GNU.sparse.numblocks=1", "GNU.sparse.map=0,1")) {
                records.append(record.length() + 4).append(' ').append(record).append('\n');
            }
            byte[] header = records.toString().getBytes(StandardCharsets.US_ASCII);
            file(tar, new TarArchiveEntry("pax", TarConstants.LF_PAX_EXTENDED_HEADER_LC), header);
            file(tar, new TarArchiveEntry("sparse"), new byte[1]);
        });
        assertThat(hostile).hasSizeGreaterThanOrEqualTo(17);

        assertThatCode(() -> ModulePackage.read(repacked(tar -> {}))).doesNotThrowAnyException();
        for (Map.Entry<String, Writing> entry : hostile.entrySet()) {
            byte[] archive = repacked(entry.getValue());
            Refusal refused = catchThrowableOfType(Refusal.class, () -> ModulePackage.read(archive));
            assertThat(refused).as(entry.getKey()).isNotNull();
            assertThat(refused.rule()).as(entry.getKey()).isIn(Rule.WRONG_MEMBERS, Rule.NOT_AN_ARCHIVE);
        }
    }

    @Test
    void more_than_a_gzip_of_real_files_unfolds_to_is_refused() throws IOException {
        byte[] archive =
                gzip(out -> out.write(tar(tar -> file(tar, new TarArchiveEntry("dkms.conf"), new byte[8 * MEBIBYTE]))));

        assertCheap(archive, Rule.TOO_LARGE);
    }

    @Test
    void pax_headers_of_many_small_records_are_read_or_refused_quickly() throws IOException {
        byte[] records = "6 a=b\n".repeat(150_000).getBytes(StandardCharsets.US_ASCII);
        byte[] archive = gzip(out -> {
            for (int i = 0; i < 4; i++) {
                TarArchiveEntry entry = new TarArchiveEntry("name", TarConstants.LF_PAX_EXTENDED_HEADER_LC);
                entry.setSize(records.length);
                byte[] header = new byte[512];
                entry.writeEntryHeader(header);
                out.write(header);
                out.write(records);
                out.write(new byte[(512 - records.length % 512) % 512]);
            }
            out.write(tar(tar -> file(tar, new TarArchiveEntry("dkms.conf"), PackageFixture.DKMS_CONF)));
        });

        assertQuick(() -> catchThrowableOfType(Refusal.class, () -> SourcePackage.read(archive)));
    }

    /** In time of this thread: what others do on the machine counts for nothing. */
    private static void assertQuick(Runnable work) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadCpuTime();
        work.run();
        assertThat(threads.getCurrentThreadCpuTime() - before).isLessThan(1_000_000_000L);
    }

    private static void link(TarArchiveOutputStream tar, String name, byte type) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(name, type);
        entry.setLinkName("/etc");
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
    }

    /** A good package with something more in it. */
    private static byte[] repacked(Writing more) throws IOException {
        List<TarGz.Member> members;
        try {
            members = TarGz.read(PackageFixture.archive(), MEBIBYTE);
        } catch (Refusal e) {
            throw new AssertionError(e);
        }
        return gzip(out -> out.write(tar(tar -> {
            for (TarGz.Member member : members) {
                file(tar, new TarArchiveEntry(member.name()), member.bytes());
            }
            more.to(tar);
        })));
    }

    /** Allocated, not used: what is never allocated cannot run out. */
    private static void assertCheap(byte[] archive, Rule rule) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertQuick(() -> assertThat(refusal(archive).rule()).isEqualTo(rule));
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(FLAT);
    }

    private static Refusal refusal(byte[] archive) {
        return catchThrowableOfType(Refusal.class, () -> SourcePackage.read(archive));
    }

    /** A good source with something more in it. */
    private static byte[] source(Writing more) throws IOException {
        return gzip(out -> out.write(tar(tar -> {
            file(tar, new TarArchiveEntry("dkms.conf"), PackageFixture.DKMS_CONF);
            more.to(tar);
        })));
    }

    private static byte[] tar(Writing writing) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
            writing.to(tar);
        }
        return out.toByteArray();
    }

    private static void file(TarArchiveOutputStream tar, TarArchiveEntry entry, byte[] bytes) throws IOException {
        entry.setSize(bytes.length);
        tar.putArchiveEntry(entry);
        tar.write(bytes);
        tar.closeArchiveEntry();
    }

    private interface Bytes {
        void to(OutputStream out) throws IOException;
    }

    private static byte[] gzip(Bytes bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            bytes.to(gzip);
        }
        return out.toByteArray();
    }

    private static byte[] unzipped(byte[] archive) {
        try (var in = new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(archive))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void fill(OutputStream out, int count, byte value) throws IOException {
        byte[] block = new byte[MEBIBYTE];
        Arrays.fill(block, value);
        for (int left = count; left > 0; left -= block.length) {
            out.write(block, 0, Math.min(left, block.length));
        }
    }
}
