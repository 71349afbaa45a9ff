package io.kmodfleet.deploy.standalone;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The broker, as the process of its own that the stack starts. */
@Command(name = "kafka", hidden = true)
final class KafkaCommand implements Callable<Integer> {

    @Parameters(index = "0")
    private Path directory;

    @Parameters(index = "1")
    private int port;

    @Parameters(index = "2")
    private int controllerPort;

    @Override
    public Integer call() throws Exception {
        EmbeddedKafka kafka = EmbeddedKafka.start(directory, port, controllerPort);
        Runtime.getRuntime().addShutdownHook(new Thread(kafka::close, "end"));
        kafka.awaitShutdown();
        return 0;
    }
}
