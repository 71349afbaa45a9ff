package io.kmodfleet.coordinator.fleet;

import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

/** Makes a page of an error. Here, because what answers with it must not know the pages. */
public interface ProblemPage {

    Response of(UriInfo uri, int status, String title, String detail);
}
