package gate

// What follows is for tests of the rules themselves.
var (
	KubernetesEvidenceOf = kubernetesEvidence
	PlaceOwn             = placeOwn
)
