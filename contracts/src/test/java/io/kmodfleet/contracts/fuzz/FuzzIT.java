package io.kmodfleet.contracts.fuzz;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** For a few seconds each; {@code deploy/fuzz} takes longer. */
class FuzzIT {

    @ParameterizedTest
    @ValueSource(
            classes = {
                ModuleInputs.Modules.class,
                ModuleInputs.Signatures.class,
                ModuleInputs.Compressed.class,
                ModuleInputs.SymversFiles.class,
                PackageInputs.Packages.class,
                PackageInputs.Sources.class,
                PackageInputs.DkmsTarballs.class,
                PackageInputs.DkmsConfs.class,
                EventInputs.Observations.class,
                EventInputs.Commands.class,
                EventInputs.Heartbeats.class
            })
    void whatever_bytes_come_they_are_read_the_same_twice_or_refused_soon_and_in_little_memory(
            Class<? extends HostileInput> parser) throws Exception {
        Fuzzing.run(parser);
    }
}
