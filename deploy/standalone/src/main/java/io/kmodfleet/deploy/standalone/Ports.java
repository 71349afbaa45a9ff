package io.kmodfleet.deploy.standalone;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/**
 * The five ports of a stack, one after the other, all on loopback.
 *
 * @param coordinator the first: page and API
 */
public record Ports(int coordinator) {

    static final int COUNT = 5;

    /** Below 32,768: from there on Linux takes ports for outgoing connections, at any moment. */
    private static final int FIRST = 20_000;

    private static final int STEP = 10;
    private static final int PLACES = 1_200;

    public Ports {
        if (coordinator < 1024 || coordinator > 65_535 - COUNT) {
            throw new Trouble("Expected a port from 1024 to " + (65_535 - COUNT) + ", but got " + coordinator + ".");
        }
    }

    public int store() {
        return coordinator + 1;
    }

    public int kafka() {
        return coordinator + 2;
    }

    int kafkaController() {
        return coordinator + 3;
    }

    public int postgres() {
        return coordinator + 4;
    }

    /** Five neighbours that nobody listens on now. */
    public static Ports free() {
        long first = ProcessHandle.current().pid();
        for (long i = 0; i < PLACES; i++) {
            int base = FIRST + (int) ((first + i) % PLACES) * STEP;
            boolean free = true;
            for (int port = base; port < base + COUNT; port++) {
                free &= isFree(port);
            }
            if (free) {
                return new Ports(base);
            }
        }
        throw new Trouble("Expected " + COUNT + " free ports in a row on loopback, but there are none.");
    }

    static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
