package io.kmodfleet.store.catalogue;

import io.quarkus.hibernate.reactive.panache.PanacheEntityBase;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A source package. */
@Entity
@Table(name = "source")
class SourceRow extends PanacheEntityBase {

    @Id
    String digest;

    String module;

    @Column(name = "module_version")
    String moduleVersion;

    String binding;

    /** Names of the kernel modules it builds, separated by commas. */
    String modules;

    @Column(name = "dkms_conf")
    String dkmsConf;

    @Column(name = "file_name")
    String fileName;

    long size;

    @Column(name = "stored_at")
    Instant storedAt;
}
