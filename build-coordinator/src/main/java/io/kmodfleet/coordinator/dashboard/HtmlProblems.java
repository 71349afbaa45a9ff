package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.fleet.ProblemPage;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

/** An error as a page, for whoever came with a browser. */
@ApplicationScoped
class HtmlProblems implements ProblemPage {

    private final Looking looking;
    private final Pages pages;

    HtmlProblems(Looking looking, Pages pages) {
        this.looking = looking;
        this.pages = pages;
    }

    @Override
    public Response of(UriInfo uri, int status, String title, String detail) {
        Response page = Pages.own(Templates.problem(pages.page(title, "", uri, looking.now()), status, title, detail));
        return Response.fromResponse(page).status(status).build();
    }
}
