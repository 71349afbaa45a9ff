/** Files that are there whole or not at all, also after a power cut. Knows nothing of what they are for. */
package io.kmodfleet.agent.durable;
