/**
 * The agent as a service, in two processes: {@link io.kmodfleet.agent.service.AgentService} stays for months on ten thousand
 * hosts and only waits; {@link io.kmodfleet.agent.service.AgentShift} is started when something happens, does what the agent
 * does, and ends. So what lies in memory all the time carries neither JSON nor HTTP, let alone Quarkus.
 */
package io.kmodfleet.agent.service;
