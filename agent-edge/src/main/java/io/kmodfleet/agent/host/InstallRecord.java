package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;

/**
 * What the agent knows of a module that it installed itself; found again by the module's body.
 *
 * @param version of the module source
 */
public record InstallRecord(Digest body, String version, BuildTarget target, Digest packageDigest) {}
