/** Kafka as an agent sees it: observations go out, the commands of its own key come in. Knows nothing of what they mean. */
package io.kmodfleet.agent.bus;
