package io.kmodfleet.contracts.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;

/** What Jazzer calls: one {@link HostileInput}, by its class name, with a bound on what an input may cost. */
public final class FuzzTarget {

    /** Begins the line that says what inputs cost. */
    static final String COST = "COST: ";

    /** After so many inputs classes are loaded and caches filled. */
    private static final long WARM = 2_000;

    private static HostileInput input;
    private static long count;
    private static long slowest;
    private static long mostAllocated;
    private static long heapWhenWarm;

    private FuzzTarget() {}

    public static void fuzzerInitialize(String[] arguments) throws ReflectiveOperationException {
        input = Class.forName(arguments[0])
                .asSubclass(HostileInput.class)
                .getDeclaredConstructor()
                .newInstance();
    }

    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        Cost cost = Cost.of(bytes);
        if (++count == WARM) {
            heapWhenWarm = heap();
        }
        if (count > WARM && !cost.isBearable()) {
            // A class that is loaded and instrumented late is no fault of the input.
            cost = Cost.of(bytes);
        }
        if (count > WARM) {
            slowest = Math.max(slowest, cost.nanos);
            mostAllocated = Math.max(mostAllocated, cost.allocated);
            cost.require();
        }
    }

    /**
     * Of parsing an input twice.
     *
     * @param nanos of this thread's own time, instrumented: without that it is a fifth of it or less
     * @param allocated in bytes, whatever was freed of it
     */
    private record Cost(long nanos, long allocated) {

        private static final long MOST_NANOS = 2_000_000_000L;
        private static final long MOST_BYTES = 192L << 20;
        private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

        static Cost of(byte[] bytes) throws Exception {
            long nanos = THREADS.getCurrentThreadCpuTime();
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            input.parse(bytes);
            return new Cost(
                    THREADS.getCurrentThreadCpuTime() - nanos, THREADS.getCurrentThreadAllocatedBytes() - allocated);
        }

        boolean isBearable() {
            return nanos <= MOST_NANOS && allocated <= MOST_BYTES;
        }

        void require() {
            if (!isBearable()) {
                throw new AssertionError("Expected an input to take at most 2 s and 192 MiB, but it took "
                        + nanos / 1_000_000 + " ms and " + (allocated >> 20) + " MiB");
            }
        }
    }

    public static void fuzzerTearDown() {
        long heap = heap();
        System.err.printf(
                "%sslowest input %d ms, most allocated by one %d KiB, heap kept %s%d KiB, heap peak %d MiB%n",
                COST,
                slowest / 1_000_000,
                mostAllocated >> 10,
                heapWhenWarm == 0 ? "" : (heapWhenWarm >> 10) + " to ",
                heap >> 10,
                peak() >> 20);
    }

    private static long heap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static long peak() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed())
                .sum();
    }
}
