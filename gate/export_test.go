package gate

// KubernetesEvidenceOf assembles what rules get to see of an object, for tests of the rules themselves.
var KubernetesEvidenceOf = kubernetesEvidence

// SetEvidenceOf assembles what rules get to see of all objects together, for tests of the rules themselves.
var SetEvidenceOf = setEvidence
