package io.kmodfleet.agent;

import io.kmodfleet.agent.host.KernelWatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.jboss.logging.Logger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** For whoever has changed kernels by hand; the hooks of package managers do the same without starting a program. */
@Command(
        name = "notify",
        description = {
            "Have the running agent look at this host at once.",
            "Always ends with 0, also where no agent runs: nothing may fail because of it."
        })
final class NotifyCommand implements Callable<Integer> {

    private static final Logger LOG = Logger.getLogger(NotifyCommand.class);

    @Mixin
    private HostOptions host;

    @Parameters(arity = "0..*", hidden = true, description = "What hooks are given; not needed.")
    private String[] ignored;

    @Override
    public Integer call() {
        Path sign = host.anyRoot().at(KernelWatch.SIGN);
        try {
            if (Files.isDirectory(sign.getParent())) {
                Files.write(sign, new byte[0]);
                Files.setLastModifiedTime(sign, FileTime.from(Instant.now()));
            }
        } catch (IOException e) {
            LOG.debugf("not told error=%s", e);
        }
        return 0;
    }
}
