package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.fleet.FailureCluster;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;
import java.util.List;

/** The pages, checked when they are compiled. */
@CheckedTemplate(basePath = "", defaultName = CheckedTemplate.HYPHENATED_ELEMENT_NAME)
final class Templates {

    private Templates() {}

    static native TemplateInstance fleet(Page page, FleetPages.Overview fleet);

    static native TemplateInstance host(Page page, HostPages.Shown host);

    static native TemplateInstance targets(Page page, TargetPages.Matrix matrix);

    static native TemplateInstance target(Page page, TargetPages.Shown target);

    static native TemplateInstance differences(Page page, String back, List<AtStore.Diverged> diverged);

    static native TemplateInstance log(Page page, String back, AtStore.Log log);

    static native TemplateInstance build(Page page, BuildPages.Shown build);

    static native TemplateInstance failures(Page page, List<FailureCluster> clusters);

    static native TemplateInstance policy(Page page, PolicyPages.Shown policy);

    static native TemplateInstance preflight(Page page, PreflightPages.Shown preflight);

    static native TemplateInstance audit(Page page, AuditPages.Shown audit);

    static native TemplateInstance confirm(Page page, Actions.Action action);

    static native TemplateInstance reading(Page page, String at, long position, long last);

    static native TemplateInstance problem(Page page, int status, String problem, String detail);
}
