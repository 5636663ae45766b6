package gate

// KubernetesEvidenceOf assembles what rules get to see of an object, for tests of the rules themselves.
var KubernetesEvidenceOf = kubernetesEvidence
