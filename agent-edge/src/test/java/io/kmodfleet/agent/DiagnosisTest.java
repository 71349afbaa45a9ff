package io.kmodfleet.agent;

import static io.kmodfleet.agent.Kernels.digest;
import static io.kmodfleet.agent.Reports.KERNEL;
import static io.kmodfleet.agent.Reports.detail;
import static io.kmodfleet.agent.Reports.keep;
import static io.kmodfleet.agent.Reports.kernel;
import static io.kmodfleet.agent.Reports.module;
import static io.kmodfleet.agent.Reports.report;
import static io.kmodfleet.agent.Reports.state;
import static io.kmodfleet.agent.Reports.with;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Finding.Kind;
import io.kmodfleet.agent.host.DkmsEntry;
import io.kmodfleet.agent.host.DkmsEntry.State;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DiagnosisTest {

    private static final Optional<Digest> IMAGE = Optional.of(digest("image"));
    private static final InstalledModule RIGHT = module(IMAGE, Optional.of(true), Optional.empty());
    private static final KernelState RUNNING = with(kernel(KERNEL, Optional.of(true), RIGHT), true, true, true);
    private static final HostDetail LOADED =
            detail(List.of(new HostDetail.Loaded("dattobd", Optional.of(RIGHT.file()), Optional.of(2))));

    @Test
    void nothing_is_wrong_with_a_host_whose_module_is_installed_and_loaded() {
        assertThat(findings(report(RUNNING), LOADED, state(true, keep(Reason.UP_TO_DATE))))
                .isEmpty();
    }

    @Test
    void what_is_installed_and_not_loaded_is_activated() {
        Finding finding = only(report(RUNNING), detail(List.of()), state(true, keep(Reason.UP_TO_DATE)));

        assertThat(finding.kind()).isEqualTo(Kind.NOT_LOADED);
        assertThat(finding.repairs())
                .extracting(Repair::words)
                .containsExactly("run depmod " + KERNEL + ", and load dattobd where " + KERNEL + " runs");
    }

    @Test
    void what_is_missing_in_the_initramfs_is_put_there() {
        InstalledModule outside = module(IMAGE, Optional.of(false), Optional.empty());
        KernelState kernel = kernel(KERNEL, Optional.of(true), outside);
        Fact missing = Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS);

        Finding finding = only(report(kernel), detail(List.of()), state(true, keep(Reason.NOT_ACTIVATED, missing)));

        assertThat(finding.kind()).isEqualTo(Kind.NOT_IN_INITRAMFS);
        assertThat(finding.repairs().get(0).words()).contains("list dattobd for the initramfs");
    }

    @Test
    void a_stale_build_is_the_coordinators_to_replace_so_it_is_asked_again() {
        InstalledModule stale = module(Optional.of(digest("other image")), Optional.of(true), Optional.empty());

        Finding finding = only(
                report(kernel(KERNEL, Optional.of(true), stale)),
                detail(List.of()),
                state(true, keep(Reason.UP_TO_DATE)));

        assertThat(finding.kind()).isEqualTo(Kind.STALE_BUILD);
        assertThat(finding.repairs()).containsExactly(new Repair.LookAgain());
    }

    @Test
    void a_module_that_was_refused_names_what_is_missing() {
        Finding finding = only(
                report(kernel(KERNEL, Optional.of(true))),
                detail(List.of()),
                state(true, Reports.rejects(Reason.NO_BUILD_ENVIRONMENT, Reports.missing(Piece.DKMS))));

        assertThat(finding.kind()).isEqualTo(Kind.NOT_INSTALLED);
        assertThat(finding.repairs()).isEmpty();
        assertThat(finding.advice()).contains("DKMS is missing. To mend it: bring it");
    }

    @Test
    void what_dkms_left_half_done_is_deleted_and_what_it_built_or_installed_never_is() {
        Optional<String> kernel = Optional.of(KERNEL);
        Optional<String> arch = Optional.of("x86_64");
        List<Repair> repairs = findings(
                        report(RUNNING),
                        detail(
                                LOADED.loaded(),
                                new DkmsEntry(
                                        "toy", "1", Optional.empty(), Optional.empty(), State.ADDED, fault("build")),
                                new DkmsEntry("toy", "1", kernel, arch, State.BROKEN, fault("no file")),
                                new DkmsEntry("toy", "1", kernel, arch, State.INSTALLED, fault("file is gone")),
                                new DkmsEntry(
                                        "old", "2", Optional.empty(), Optional.empty(), State.BROKEN, fault("source")),
                                new DkmsEntry("old", "2", kernel, arch, State.BUILT, Optional.empty()),
                                new DkmsEntry(
                                        "bad", "3", Optional.empty(), Optional.empty(), State.BROKEN, fault("source"))),
                        state(true, keep(Reason.UP_TO_DATE)))
                .stream()
                .flatMap(finding -> finding.repairs().stream())
                .toList();

        assertThat(repairs)
                .containsExactly(
                        new Repair.DeleteFromDkms("/var/lib/dkms/toy/1/build"),
                        new Repair.DeleteFromDkms("/var/lib/dkms/toy/1/" + KERNEL + "/x86_64"),
                        new Repair.Run(List.of(
                                "dkms", "install", "--force", "-m", "toy", "-v", "1", "-k", KERNEL, "-a", "x86_64")),
                        new Repair.DeleteFromDkms("/var/lib/dkms/bad/3"));
    }

    @Test
    void a_memory_that_cannot_be_read_is_set_aside_unless_an_agent_works_with_it() {
        Path place = Path.of("/var/lib/kmodfleet");
        StateCheck stopped =
                new StateCheck(place, true, false, true, true, Optional.of("junk"), Optional.of("no file"), List.of());
        StateCheck runs =
                new StateCheck(place, true, true, false, true, Optional.of("junk"), Optional.empty(), List.of());

        assertThat(findings(report(RUNNING), LOADED, stopped))
                .extracting(Finding::repairs)
                .containsExactly(
                        List.of(new Repair.CloseToOthers(place)),
                        List.of(new Repair.SetAside(place.resolve("memory.json"))),
                        List.of(new Repair.SetAside(place.resolve("journal"))));
        assertThat(only(report(RUNNING), LOADED, runs).advice().orElseThrow()).contains("Stop it");
    }

    @Test
    void headers_before_their_image_and_a_next_kernel_without_initramfs_are_found() {
        KernelState noImage = with(kernel("6.8.0-63-generic", Optional.of(false)), false, false, false);
        KernelState noInitramfs = with(RUNNING, true, false, true);

        assertThat(findings(report(noInitramfs, noImage), LOADED, state(true, keep(Reason.UP_TO_DATE))))
                .extracting(Finding::kind)
                .containsExactly(Kind.INITRAMFS_MISSING, Kind.IMAGE_MISSING);
    }

    @Test
    void what_is_loaded_from_no_file_that_is_there_is_said_and_never_unloaded() {
        HostDetail replaced = detail(List.of(new HostDetail.Loaded("dattobd", Optional.empty(), Optional.of(2))));

        Finding finding = only(report(RUNNING), replaced, state(true, keep(Reason.UP_TO_DATE)));

        assertThat(finding.kind()).isEqualTo(Kind.REPLACED_WHILE_LOADED);
        assertThat(finding.repairs()).isEmpty();
    }

    private static Optional<String> fault(String words) {
        return Optional.of(words);
    }

    private static Finding only(HostReport report, HostDetail detail, StateCheck state) {
        List<Finding> findings = findings(report, detail, state);
        assertThat(findings).hasSize(1);
        return findings.get(0);
    }

    private static List<Finding> findings(HostReport report, HostDetail detail, StateCheck state) {
        return Diagnosis.of(new Diagnosis.Seen(
                        report,
                        detail,
                        List.of(),
                        state,
                        List.of(),
                        Optional.of(List.of("update-initramfs", "-c", "-k"))))
                .findings();
    }
}
