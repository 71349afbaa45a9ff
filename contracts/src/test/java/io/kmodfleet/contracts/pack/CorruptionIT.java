package io.kmodfleet.contracts.pack;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.RealKernel;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

/**
 * Real modules, and packages of them, with bytes flipped, cut off, doubled and moved: whatever is taken is what was there before,
 * or has another body and is told apart by it. To run one again: {@code -Dseed=…}.
 */
class CorruptionIT {

    private static final int ROUNDS = Integer.getInteger("rounds", 10_000);
    private static final byte[] IN_TREE = "intree=Y\0".getBytes(StandardCharsets.US_ASCII);

    private final long seed = Long.getLong("seed", new Random().nextLong());
    private final Random random = new Random(seed);

    @Test
    void a_damaged_module_is_refused_or_has_another_body() throws Exception {
        System.out.println("To run it again: -Dseed=" + seed);
        List<byte[]> modules = smallModules();
        int refused = 0;
        for (int i = 0; i < ROUNDS; i++) {
            byte[] module = modules.get(random.nextInt(modules.size()));
            byte[] damaged = damaged(module);
            try {
                ModuleFile read = ModuleFile.read(damaged);
                boolean same = read.body().equals(ModuleFile.read(module).body());
                assertThat(same && sizeOfBody(damaged) != sizeOfBody(module))
                        .as("seed %d", seed)
                        .isFalse();
            } catch (NotAModule e) {
                refused++;
                assertThat(e).as("seed %d", seed).hasMessageStartingWith("Expected ");
            }
        }
        assertThat(refused).isPositive();
    }

    @Test
    void a_damaged_package_is_refused_or_has_the_very_module_in_it_and_another_digest() throws Exception {
        System.out.println("To run it again: -Dseed=" + seed);
        byte[] module = outOfTree(smallModules().get(0));
        byte[] archive = archive(module);
        byte[] tar = new GZIPInputStream(new ByteArrayInputStream(archive)).readAllBytes();
        ModulePackage whole = ModulePackage.read(archive);
        for (int i = 0; i < ROUNDS; i++) {
            byte[] damaged = i % 2 == 0 ? damaged(archive) : zipped(damaged(tar));
            try {
                ModulePackage read = ModulePackage.read(damaged);
                assertThat(read.moduleFiles()).as("seed %d", seed).containsExactly(module);
                assertThat(Digest.of(read.dkmsConf())).isEqualTo(read.manifest().dkmsConf());
                // What a manifest says besides, nobody can check: the digest that it is asked for by tells.
                assertThat(read.manifest().equals(whole.manifest())
                                || !read.digest().equals(whole.digest()))
                        .as("seed %d", seed)
                        .isTrue();
            } catch (Refusal e) {
                assertThat(e.evidence()).as("seed %d", seed).isNotEmpty();
            }
        }
    }

    private byte[] damaged(byte[] whole) {
        byte[] damaged = whole.clone();
        int at = random.nextInt(whole.length);
        switch (random.nextInt(6)) {
            case 0:
                return Arrays.copyOf(whole, at);
            case 1:
                return Arrays.copyOf(whole, whole.length + 1 + random.nextInt(64));
            case 2:
                Arrays.fill(damaged, at, Math.min(whole.length, at + random.nextInt(4096)), (byte) random.nextInt());
                return damaged;
            case 3:
                int from = random.nextInt(whole.length);
                int length = Math.min(random.nextInt(512), whole.length - Math.max(at, from));
                System.arraycopy(whole, from, damaged, at, length);
                return damaged;
            default:
                for (int n = random.nextInt(4); n >= 0; n--) {
                    damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
                }
                return damaged;
        }
    }

    private static int sizeOfBody(byte[] module) {
        byte[] marker = "~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII);
        int end = module.length - marker.length;
        boolean signed = end > 12 && Arrays.equals(module, end, module.length, marker, 0, marker.length);
        return signed ? end - 12 - ByteBuffer.wrap(module).getInt(end - 4) : module.length;
    }

    private static List<byte[]> smallModules() throws IOException {
        List<byte[]> small = new ArrayList<>();
        for (Path file : RealKernel.modules("a")) {
            if (small.size() < 50 && Files.size(file) < 20_000) {
                small.add(Files.readAllBytes(file));
            }
        }
        return small;
    }

    /** As its source would be built beside the kernel: unsigned, and without saying that it came with it. */
    private static byte[] outOfTree(byte[] signed) {
        byte[] module = Arrays.copyOf(signed, sizeOfBody(signed));
        for (int at = 0; at + IN_TREE.length <= module.length; at++) {
            if (Arrays.equals(module, at, at + IN_TREE.length, IN_TREE, 0, IN_TREE.length)) {
                Arrays.fill(module, at, at + IN_TREE.length, (byte) 0);
                return module;
            }
        }
        throw new AssertionError("no intree");
    }

    private static byte[] archive(byte[] module) throws NotAModule {
        ModuleFile read = ModuleFile.read(module);
        PackageManifest toy = PackageFixture.manifest(PackageFixture.module());
        PackageManifest manifest = PackageFixture.with(
                new BuildTarget(
                        toy.target().source(),
                        toy.target().arch(),
                        read.info().release(),
                        toy.target().image()),
                new KernelIdentity(
                        toy.kernel().arch(),
                        read.info().release(),
                        toy.kernel().version(),
                        toy.kernel().image(),
                        toy.kernel().config(),
                        toy.kernel().buildId()),
                new PackagedModule(
                        read.info().name(),
                        "module/" + read.info().name() + ".ko",
                        Digest.of(module),
                        read.body(),
                        read.info().vermagic(),
                        read.info().srcversion()));
        return ModulePackage.write(manifest, PackageFixture.DKMS_CONF, List.of(module));
    }

    private static byte[] zipped(byte[] tar) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(tar);
        }
        return out.toByteArray();
    }
}
