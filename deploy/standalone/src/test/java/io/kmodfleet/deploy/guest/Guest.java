package io.kmodfleet.deploy.guest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.deploy.demo.HostRoots;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A virtual machine under QEMU's software emulation. It boots from its disk through firmware and boot loader, and reaches this
 * machine's loopback ports at 10.0.2.2 through QEMU's user-mode network, which never leaves the process. Programs are run in it by
 * QEMU's guest agent, over a virtual serial port.
 */
final class Guest implements AutoCloseable {

    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(200);
    private static final String FROZEN = "frozen";

    private final Path disk;
    private final Path directory;
    private Process machine;
    private GuestChannel channel;
    private MachineMonitor monitor;
    private Path sockets;
    private String bootId = "";

    /** How a program in the guest ended, and both its outputs. */
    record Outcome(int exitCode, String output) {

        boolean isSuccess() {
            return exitCode == 0;
        }
    }

    private Guest(Path disk, Path directory) {
        this.disk = disk;
        this.directory = directory;
    }

    /** A machine with a disk of its own, which begins as a copy of that image; not started. */
    static Guest of(Path image, Path workplace, String name) throws IOException, InterruptedException {
        Path directory = Files.createDirectories(workplace.resolve(name));
        Path disk = directory.resolve("disk.qcow2");
        Process create = new ProcessBuilder(
                        "qemu-img",
                        "create",
                        "-q",
                        "-f",
                        "qcow2",
                        "-F",
                        image.toString().endsWith(".img") ? "raw" : "qcow2",
                        "-b",
                        image.toString(),
                        disk.toString())
                .inheritIO()
                .start();
        if (create.waitFor() != 0) {
            throw new IOException("Expected qemu-img to make " + disk + ", but it failed");
        }
        return new Guest(disk, directory);
    }

    /** Switches it on and waits until it has booted. */
    void start() throws IOException, InterruptedException {
        switchOn(List.of());
        awaitBoot();
    }

    /**
     * Ends the machine, and keeps it as it is at this moment, running, with all that its memory holds: any number of times
     * {@link #resume} goes on from here.
     */
    void freeze() throws IOException, InterruptedException {
        monitor.command("savevm " + FROZEN);
        cutPower();
        Files.move(disk, frozen());
    }

    /** Goes on from the moment in which it was frozen. */
    void resume() throws IOException, InterruptedException {
        Process copy = new ProcessBuilder(
                        "cp", "--sparse=always", "--reflink=auto", frozen().toString(), disk.toString())
                .inheritIO()
                .start();
        if (copy.waitFor() != 0) {
            throw new IOException("Expected cp to make " + disk + ", but it failed");
        }
        switchOn(List.of("-loadvm", FROZEN));
    }

    private Path frozen() {
        return disk.resolveSibling("frozen.qcow2");
    }

    private void switchOn(List<String> more) throws IOException, InterruptedException {
        // The path of a socket is short (unix(7)): not below a workplace.
        sockets = Files.createTempDirectory("guest");
        Path agent = sockets.resolve("qga");
        Path commands = sockets.resolve("monitor");
        List<String> line = new ArrayList<>(List.of(
                "qemu-system-x86_64",
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                "max",
                "-smp",
                "2",
                "-m",
                "1024",
                "-display",
                "none",
                "-monitor",
                "unix:" + commands + ",server=on,wait=off",
                "-drive",
                "if=virtio,format=qcow2,file=" + disk,
                "-serial",
                "file:" + directory.resolve("console-" + System.nanoTime() + ".log"),
                "-netdev",
                "user,id=net",
                "-device",
                "virtio-net-pci,netdev=net",
                "-device",
                "virtio-rng-pci",
                "-device",
                "virtio-serial",
                "-chardev",
                "socket,id=qga,server=on,wait=off,path=" + agent,
                "-device",
                "virtserialport,chardev=qga,name=org.qemu.guest_agent.0"));
        line.addAll(more);
        machine = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("qemu.log").toFile()))
                .start();
        channel = GuestChannel.open(agent, machine);
        monitor = MachineMonitor.open(commands);
    }

    /** Runs a line of shell. */
    Outcome run(Duration limit, String line) throws IOException, InterruptedException {
        ObjectNode arguments = FleetJson.mapper().createObjectNode();
        arguments.put("path", "/bin/sh");
        ArrayNode words = arguments.putArray("arg");
        words.add("-c");
        // Without one of its own, pipes get the number of the standard input.
        words.add("exec 2>&1 </dev/null; " + line);
        arguments.put("capture-output", true);
        long pid = channel.call("guest-exec", arguments).path("pid").asLong();
        Instant end = Instant.now().plus(limit);
        while (true) {
            JsonNode status = channel.call(
                    "guest-exec-status", FleetJson.mapper().createObjectNode().put("pid", pid));
            if (status.path("exited").asBoolean()) {
                byte[] output =
                        Base64.getDecoder().decode(status.path("out-data").asText(""));
                return new Outcome(
                        status.path("exitcode").asInt(-1), new String(output, StandardCharsets.UTF_8).strip());
            }
            if (Instant.now().isAfter(end)) {
                throw new IOException("Expected '" + line + "' to end in the guest within " + limit.toSeconds()
                        + " s, but it did not\n" + console());
            }
            Thread.sleep(LOOK_AGAIN.toMillis());
        }
    }

    /** Runs a line of shell that must succeed; what it printed. */
    String require(Duration limit, String line) throws IOException, InterruptedException {
        Outcome outcome = run(limit, line);
        if (!outcome.isSuccess()) {
            throw new IOException("Expected '" + line + "' to succeed in the guest, but it exited with "
                    + outcome.exitCode() + ":\n" + outcome.output());
        }
        return outcome.output();
    }

    /** What it printed, however it ended. */
    String ask(String line) throws IOException, InterruptedException {
        return run(Duration.ofMinutes(2), line).output();
    }

    /** Has the guest shut down in order and boot again. */
    void reboot() throws IOException, InterruptedException {
        run(
                Duration.ofSeconds(30),
                "systemd-run --no-block --on-active=1 --timer-property=AccuracySec=100ms systemctl reboot");
        awaitBoot();
    }

    /** Ends the machine as a power cut does: what its kernel had not written is gone. */
    void cutPower() throws IOException, InterruptedException {
        machine.destroyForcibly();
        machine.waitFor();
        channel.close();
        monitor.close();
        HostRoots.delete(sockets);
    }

    /** What the agent and the kernel said last, for whoever looks for the cause of a failure. */
    String lastWords() throws IOException, InterruptedException {
        String journal = "";
        if (machine != null && machine.isAlive()) {
            try {
                journal = ask("journalctl -b -u kmodfleet-agent --no-pager -n 60; uptime");
            } catch (IOException e) {
                journal = e.getMessage();
            }
        }
        return "== " + directory.getFileName() + "\n" + journal + "\n" + console();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        if (machine != null && machine.isAlive()) {
            cutPower();
        }
    }

    /** Until another boot than the last one answers. */
    private void awaitBoot() throws IOException, InterruptedException {
        Instant end = Instant.now().plus(BOOT);
        while (true) {
            try {
                channel.synchronize(Duration.ofSeconds(5));
                Outcome booted = run(Duration.ofSeconds(20), "cat /proc/sys/kernel/random/boot_id");
                if (booted.isSuccess() && !booted.output().equals(bootId)) {
                    bootId = booted.output();
                    return;
                }
            } catch (GuestChannel.Silent e) {
                // Not there yet, or not there any more.
            }
            if (!machine.isAlive() || Instant.now().isAfter(end)) {
                throw new IOException("Expected the guest to boot within " + BOOT.toMinutes() + " minutes, but it "
                        + (machine.isAlive() ? "did not" : "ended") + "\n" + console());
            }
            Thread.sleep(LOOK_AGAIN.toMillis());
        }
    }

    /** The end of what its kernel printed last. */
    private String console() throws IOException {
        try (var logs = Files.list(directory)) {
            List<Path> sorted = logs.filter(
                            file -> file.getFileName().toString().startsWith("console-"))
                    .sorted()
                    .toList();
            if (sorted.isEmpty()) {
                return "";
            }
            String text = Files.readString(sorted.get(sorted.size() - 1), StandardCharsets.ISO_8859_1);
            return text.substring(Math.max(0, text.length() - 3_000));
        }
    }
}
