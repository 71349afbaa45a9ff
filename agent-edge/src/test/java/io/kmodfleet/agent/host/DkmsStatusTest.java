package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.DkmsEntry.State;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DkmsStatusTest {

    private static final String KERNEL = "6.8.0-62-generic";

    @Test
    void all_four_forms_of_dkms_say_the_same() {
        for (String separator : List.of(", ", "/")) {
            DkmsStatus status = DkmsStatus.read("dattobd" + separator + "0.12.0: added\n"
                    + "dattobd" + separator + "0.12.0, " + KERNEL + ", x86_64: built\n"
                    + "dattobd" + separator + "0.12.0, " + KERNEL
                    + ", x86_64: installed (WARNING! Diff between built and installed module!)\n"
                    + "zfs" + separator
                    + "2.1, 5.14.0-362.el9.x86_64, x86_64: installed-weak from 5.14.0-284.el9.x86_64\n");

            assertThat(status.notUnderstood()).isEmpty();
            assertThat(status.entries())
                    .extracting(DkmsEntry::state)
                    .containsExactly(State.ADDED, State.BUILT, State.INSTALLED, State.INSTALLED);
            assertThat(status.entries()).extracting(DkmsEntry::version).containsOnly("0.12.0", "2.1");
            assertThat(status.entries().get(2).fault().orElseThrow()).contains("Diff between built and installed");
        }
    }

    @Test
    void junk_is_said_in_printable_words_and_ends_nothing() {
        byte[] junk = new byte[100_000];
        new Random(7).nextBytes(junk);

        DkmsStatus status = DkmsStatus.read(new String(junk, StandardCharsets.ISO_8859_1) + "\na/1: added\n");

        assertThat(status.entries()).extracting(DkmsEntry::module).contains("a");
        assertThat(status.notUnderstood()).isNotEmpty().allMatch(line -> line.matches("[\\p{Graph} …]*"));
    }

    @Test
    void where_dkms_and_its_files_disagree_both_are_named() {
        DkmsEntry built =
                new DkmsEntry("toy", "1.0", Optional.of(KERNEL), Optional.of("x86_64"), State.BUILT, Optional.empty());

        assertThat(DkmsStatus.read("toy/1.0, " + KERNEL + ", x86_64: installed\n")
                        .differencesFrom(List.of(built)))
                .containsExactly(
                        "dkms status says toy/1.0, " + KERNEL + ", x86_64 is installed, but by its files it is built");
        assertThat(DkmsStatus.read("toy/1.0, " + KERNEL + ", x86_64: built\n").differencesFrom(List.of(built)))
                .isEmpty();
        assertThat(DkmsStatus.read("old/2, " + KERNEL + ", x86_64: built\n").differencesFrom(List.of(built)))
                .hasSize(1);
    }
}
