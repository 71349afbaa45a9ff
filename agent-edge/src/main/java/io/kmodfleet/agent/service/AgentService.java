package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import io.kmodfleet.agent.AgentRun;
import java.nio.file.Path;

/** What systemd starts. Its settings are the environment's; {@code kmodfleet-agent run} does the same with options. */
public final class AgentService {

    private static final int FAILED = 1;

    private AgentService() {}

    public static void main(String[] arguments) throws Exception {
        JournalLines.install(System.err);
        Agent.Settings settings;
        try {
            settings = ServiceSettings.of(System.getenv(), Path.of("/"));
        } catch (IllegalArgumentException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(FAILED);
            return;
        }
        AgentRun.untilTold(settings, new ServiceManager(System.getenv())::turned);
    }
}
