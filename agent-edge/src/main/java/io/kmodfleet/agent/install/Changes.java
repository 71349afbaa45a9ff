package io.kmodfleet.agent.install;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What one installation replaces on the host. The places are written down, on disk, before the first is touched; so whoever finds
 * the record after a power cut puts everything back as it was, or, where all was done, throws away what was kept. What a place held
 * before lies beside it as {@code .<name>.kept}, what it will hold as {@code .<name>.new}.
 */
final class Changes {

    private static final String FILE = "installation.json";

    private final HostRoot root;
    private final Path record;
    private final Intent intent;

    /**
     * @param what in words
     * @param initramfs what makes the initial RAM file system anew, where the installation would
     * @param done whether everything stands as it should
     */
    record Intent(
            Instant since, String what, String release, List<Place> places, List<String> initramfs, boolean done) {
        Intent {
            places = List.copyOf(places);
            initramfs = List.copyOf(initramfs);
        }
    }

    /**
     * @param path as the host names it
     * @param existed whether something stood there
     * @param firstMissing the uppermost directory on the way that was not there
     */
    record Place(String path, boolean existed, Optional<String> firstMissing) {}

    private Changes(HostRoot root, Path record, Intent intent) {
        this.root = root;
        this.record = record;
        this.intent = intent;
    }

    /** Writes down what will be replaced. */
    static Changes begin(HostRoot root, Path state, String what, InstallPlan plan, Instant now) throws IOException {
        List<Place> places = new ArrayList<>();
        List<String> initramfs = new ArrayList<>();
        for (InstallPlan.Step step : plan.steps()) {
            step.place().ifPresent(path -> places.add(placeOf(root, path)));
            if (step instanceof InstallPlan.Step.MakeInitramfs make) {
                initramfs.addAll(make.program());
            }
        }
        Files.createDirectories(state);
        Changes changes =
                new Changes(root, state.resolve(FILE), new Intent(now, what, plan.release(), places, initramfs, false));
        changes.save(changes.intent);
        return changes;
    }

    /** An installation that did not come to its end. */
    static Optional<Changes> interrupted(HostRoot root, Path state) throws IOException {
        Path record = state.resolve(FILE);
        try {
            return Optional.of(
                    new Changes(root, record, FleetJson.mapper().readValue(Files.readAllBytes(record), Intent.class)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JsonProcessingException e) {
            throw new IOException("Expected the record of an installation in " + record + ", but it cannot be read ("
                    + e.getOriginalMessage() + "). Delete it; 'kmodfleet-agent doctor' finds what was left");
        }
    }

    Intent intent() {
        return intent;
    }

    Path record() {
        return record;
    }

    private static Place placeOf(HostRoot root, String path) {
        Path here = at(root, path);
        Optional<String> firstMissing = Optional.empty();
        for (Path up = here.getParent(); Files.notExists(up, LinkOption.NOFOLLOW_LINKS); up = up.getParent()) {
            firstMissing = Optional.of(root.nameOf(up));
        }
        return new Place(path, Files.exists(here, LinkOption.NOFOLLOW_LINKS), firstMissing);
    }

    /** The place itself, also where it is a link: links are followed on the way only. */
    private static Path at(HostRoot root, String path) {
        int slash = path.lastIndexOf('/');
        return root.at(path.substring(0, slash)).resolve(path.substring(slash + 1));
    }

    void put(String path, byte[] bytes) throws IOException {
        Path place = begin(path);
        Durable.fill(fresh(place), bytes, false);
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            // The file of before stands there until the moment in which the new one does.
            Files.createLink(kept(place), place);
        }
        come(place);
    }

    void putLink(String path, String to) throws IOException {
        Path place = begin(path);
        Files.createSymbolicLink(fresh(place), Path.of(to));
        if (Files.isSymbolicLink(place)) {
            Files.createSymbolicLink(kept(place), Files.readSymbolicLink(place));
        } else if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(place, kept(place), StandardCopyOption.ATOMIC_MOVE);
        }
        come(place);
    }

    void putTree(String path, Collection<SourceFile> files) throws IOException {
        Path place = begin(path);
        Path fresh = fresh(place);
        Files.createDirectory(fresh);
        for (SourceFile file : files) {
            Path at = fresh.resolve(file.path());
            Files.createDirectories(at.getParent());
            Durable.fill(at, file.bytes(), file.program());
        }
        Durable.syncDirectories(fresh);
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(place, kept(place), StandardCopyOption.ATOMIC_MOVE);
        }
        come(place);
    }

    void takeAway(String path) throws IOException {
        Path place = begin(path);
        Files.move(place, kept(place), StandardCopyOption.ATOMIC_MOVE);
        Durable.sync(place.getParent());
    }

    /** Everything stands as it should. From here on there is no way back. */
    void commit() throws IOException {
        save(new Intent(intent.since(), intent.what(), intent.release(), intent.places(), intent.initramfs(), true));
        forgetKept();
    }

    /** Goes on after a commit that was cut off. */
    void forgetKept() throws IOException {
        for (Place place : intent.places()) {
            Durable.delete(kept(at(root, place.path())));
        }
        forget();
    }

    /** Puts everything back as it was; may be cut off and begun anew. The record stays until {@link #forget}. */
    void undo() throws IOException {
        List<Place> backwards = new ArrayList<>(intent.places());
        java.util.Collections.reverse(backwards);
        for (Place place : backwards) {
            undo(place);
        }
    }

    private void undo(Place was) throws IOException {
        Path place = at(root, was.path());
        if (!Files.isDirectory(place.getParent())) {
            return;
        }
        Path kept = kept(place);
        Durable.delete(fresh(place));
        if (Files.exists(kept, LinkOption.NOFOLLOW_LINKS)) {
            if (Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                Durable.delete(place);
            }
            Files.move(kept, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            // Where both were one file, rename(2) does nothing.
            Files.deleteIfExists(kept);
        } else if (!was.existed()) {
            Durable.delete(place);
        }
        Durable.sync(place.getParent());
        if (was.firstMissing().isPresent()) {
            removeEmpty(place.getParent(), at(root, was.firstMissing().get()));
        }
    }

    private static void removeEmpty(Path from, Path upTo) throws IOException {
        for (Path directory = from; directory.startsWith(upTo); directory = directory.getParent()) {
            try (var names = Files.newDirectoryStream(directory)) {
                if (names.iterator().hasNext()) {
                    return;
                }
            }
            Files.delete(directory);
        }
    }

    /** Nothing has to be known of it any more. */
    void forget() throws IOException {
        Files.deleteIfExists(record);
        Durable.sync(record.getParent());
    }

    private Path begin(String path) throws IOException {
        Path place = at(root, path);
        makeDirectories(place.getParent());
        Durable.delete(fresh(place));
        Durable.delete(kept(place));
        return place;
    }

    private static void makeDirectories(Path directory) throws IOException {
        if (Files.notExists(directory)) {
            makeDirectories(directory.getParent());
            Files.createDirectory(directory);
            Durable.sync(directory.getParent());
        }
    }

    private static void come(Path place) throws IOException {
        Files.move(fresh(place), place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Durable.sync(place.getParent());
    }

    private void save(Intent now) throws IOException {
        Durable.write(record, FleetJson.writeBytes(now), false);
    }

    static Path fresh(Path place) {
        return place.resolveSibling("." + place.getFileName() + ".new");
    }

    /** A name that neither depmod nor dkms takes for anything. */
    static Path kept(Path place) {
        return place.resolveSibling("." + place.getFileName() + ".kept");
    }
}
