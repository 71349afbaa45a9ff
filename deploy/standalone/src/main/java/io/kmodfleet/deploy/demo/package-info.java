/**
 * The main job played on host roots made from real Debian packages: by the demo, which tells it; by the integration tests, which
 * check it; and by the benchmark, which measures it. Drives the stack and the commands from outside, as people do.
 */
package io.kmodfleet.deploy.demo;
