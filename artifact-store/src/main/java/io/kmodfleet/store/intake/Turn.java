package io.kmodfleet.store.intake;

import jakarta.inject.Singleton;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/** Archives are unfolded in memory one after the other: there is room for one of the largest. */
@Singleton
class Turn {

    private final Lock lock = new ReentrantLock(true);

    void take() {
        lock.lock();
    }

    void end() {
        lock.unlock();
    }
}
