package manifests

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kind is a built-in kind whose fields are checked as the API server would decode them. Older versions of an
// API group are checked by the newest type: the fields that matter here kept their names and types.
type kind struct {
	name   string
	groups string // API groups, space-separated; "core" is the one without a name
	goType reflect.Type
	// pod leads to what holds the metadata and spec of the pods that the object makes; nil if it makes none.
	pod Path
}

// kinds is the one table of built-in kinds. A workload kind is a line with a pod path.
var kinds = []kind{
	{"Pod", "core", reflect.TypeFor[corev1.Pod](), Path{}},
	{"PodTemplate", "core", reflect.TypeFor[corev1.PodTemplate](), Path{"template"}},
	{"ReplicationController", "core", reflect.TypeFor[corev1.ReplicationController](), Path{"spec", "template"}},
	{"Deployment", "apps extensions", reflect.TypeFor[appsv1.Deployment](), Path{"spec", "template"}},
	{"StatefulSet", "apps", reflect.TypeFor[appsv1.StatefulSet](), Path{"spec", "template"}},
	{"DaemonSet", "apps extensions", reflect.TypeFor[appsv1.DaemonSet](), Path{"spec", "template"}},
	{"ReplicaSet", "apps extensions", reflect.TypeFor[appsv1.ReplicaSet](), Path{"spec", "template"}},
	{"Job", "batch extensions", reflect.TypeFor[batchv1.Job](), Path{"spec", "template"}},
	{"CronJob", "batch", reflect.TypeFor[batchv1.CronJob](), Path{"spec", "jobTemplate", "spec", "template"}},

	{"ClusterRole", "rbac.authorization.k8s.io", reflect.TypeFor[rbacv1.ClusterRole](), nil},
	{"ClusterRoleBinding", "rbac.authorization.k8s.io", reflect.TypeFor[rbacv1.ClusterRoleBinding](), nil},
	{"Role", "rbac.authorization.k8s.io", reflect.TypeFor[rbacv1.Role](), nil},
	{"RoleBinding", "rbac.authorization.k8s.io", reflect.TypeFor[rbacv1.RoleBinding](), nil},
	{"ServiceAccount", "core", reflect.TypeFor[corev1.ServiceAccount](), nil},
	{"Namespace", "core", reflect.TypeFor[corev1.Namespace](), nil},
	{"Service", "core", reflect.TypeFor[corev1.Service](), nil},
	{"ConfigMap", "core", reflect.TypeFor[corev1.ConfigMap](), nil},
	{"Secret", "core", reflect.TypeFor[corev1.Secret](), nil},
	{"PersistentVolume", "core", reflect.TypeFor[corev1.PersistentVolume](), nil},
	{"NetworkPolicy", "networking.k8s.io extensions", reflect.TypeFor[networkingv1.NetworkPolicy](), nil},
	{"CustomResourceDefinition", "apiextensions.k8s.io", anyObject, nil},
}

// anyObject is what every object has, whatever its kind.
var anyObject = reflect.TypeFor[metav1.PartialObjectMetadata]()

// kindOf finds a built-in kind. It returns nil for every other.
func kindOf(apiVersion, name string) *kind {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = "core"
	}
	for i := range kinds {
		if kinds[i].name == name && slices.Contains(strings.Fields(kinds[i].groups), group) {
			return &kinds[i]
		}
	}
	return nil
}

// schemas are the fields of every type in the table, worked out once.
var schemas = sync.OnceValue(func() map[reflect.Type]*schema {
	known := make(map[reflect.Type]*schema)
	schemaOf(anyObject, known)
	for _, kind := range kinds {
		schemaOf(kind.goType, known)
	}
	return known
})
