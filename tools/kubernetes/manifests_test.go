// Package kubernetes checks the example manifests with the types of Kubernetes itself, without a cluster.
package kubernetes

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

const folder = "../../docs/examples/kubernetes/"

// manifests are the objects of manifests.yaml.
type manifests struct {
	namespaces []corev1.Namespace
	configMaps []corev1.ConfigMap
	services   []corev1.Service
	sets       []appsv1.StatefulSet
	policies   []networkingv1.NetworkPolicy
}

// read reads the manifests strictly: a field that Kubernetes does not know, and one that is there twice, is an error.
func read(t *testing.T) manifests {
	t.Helper()
	text, err := os.ReadFile(folder + "manifests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all manifests
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 Namespace":
			all.namespaces = add(t, all.namespaces, document)
		case "v1 ConfigMap":
			all.configMaps = add(t, all.configMaps, document)
		case "v1 Service":
			all.services = add(t, all.services, document)
		case "apps/v1 StatefulSet":
			all.sets = add(t, all.sets, document)
		case "networking.k8s.io/v1 NetworkPolicy":
			all.policies = add(t, all.policies, document)
		default:
			t.Errorf("%s %s: no kind that is known here", kind.APIVersion, kind.Kind)
		}
	}
	return all
}

func add[T any](t *testing.T, list []T, document []byte) []T {
	t.Helper()
	var object T
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		t.Errorf("%v in\n%s", err, document)
	}
	return append(list, object)
}

// TestNames checks that whatever names something names what is there: services their pods and ports, pods their volumes, secrets and
// configuration, probes and policies their ports, and streamlens.yaml and scrape.yaml the services.
func TestNames(t *testing.T) {
	all := read(t)
	if len(all.namespaces) != 1 || len(all.sets) != 4 {
		t.Fatalf("there are %d namespaces and %d sets", len(all.namespaces), len(all.sets))
	}
	namespace := all.namespaces[0].Name
	for _, service := range all.services {
		if service.Namespace != namespace {
			t.Errorf("service %s is in the namespace %q", service.Name, service.Namespace)
		}
		pods := selected(all.sets, service.Spec.Selector)
		if len(pods) != 1 || pods[0].Spec.ServiceName != service.Name {
			t.Errorf("service %s selects %d sets", service.Name, len(pods))
			continue
		}
		for _, port := range service.Spec.Ports {
			if !hasPort(pods[0], port.TargetPort) {
				t.Errorf("service %s: the pod has no port %s", service.Name, port.TargetPort.StrVal)
			}
		}
	}
	for _, set := range all.sets {
		if set.Namespace != namespace {
			t.Errorf("set %s is in the namespace %q", set.Name, set.Namespace)
		}
		if selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector); err != nil || !selector.Matches(labels.Set(set.Spec.Template.Labels)) {
			t.Errorf("set %s does not select its own pods (%v)", set.Name, err)
		}
		var volumes []string
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes = append(volumes, claim.Name)
		}
		for _, volume := range set.Spec.Template.Spec.Volumes {
			volumes = append(volumes, volume.Name)
			if m := volume.ConfigMap; m != nil && !slices.ContainsFunc(all.configMaps, func(c corev1.ConfigMap) bool { return c.Name == m.Name && c.Namespace == namespace }) {
				t.Errorf("set %s: there is no configuration %s", set.Name, m.Name)
			}
		}
		for _, container := range set.Spec.Template.Spec.Containers {
			for _, mount := range container.VolumeMounts {
				if !slices.Contains(volumes, mount.Name) {
					t.Errorf("set %s: there is no volume %s", set.Name, mount.Name)
				}
			}
			for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
				if probe == nil || !hasPort(set, probe.HTTPGet.Port) {
					t.Errorf("set %s lacks a probe, or its port", set.Name)
				}
			}
		}
	}
	for _, policy := range all.policies {
		if policy.Namespace != namespace {
			t.Errorf("policy %s is in the namespace %q", policy.Name, policy.Namespace)
		}
		pods := selected(all.sets, policy.Spec.PodSelector.MatchLabels)
		if len(pods) == 0 {
			t.Errorf("policy %s selects nothing", policy.Name)
		}
		for _, rule := range policy.Spec.Ingress {
			checkPorts(t, policy.Name, pods, rule.Ports)
		}
		for _, rule := range policy.Spec.Egress {
			for _, peer := range rule.To {
				if peer.NamespaceSelector == nil {
					checkPorts(t, policy.Name, selected(all.sets, peer.PodSelector.MatchLabels), rule.Ports)
				}
			}
		}
	}
	configuration, err := os.ReadFile(folder + "streamlens.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := string(configuration) + all.configMaps[0].Data["scrape.yaml"]
	for _, want := range []string{"//victoriametrics:8428", "//victorialogs:9428", "[collector:8096]"} {
		name, port, _ := strings.Cut(strings.Trim(want, "/[]"), ":")
		if !strings.Contains(texts, want) || !slices.ContainsFunc(all.services, func(s corev1.Service) bool {
			return s.Name == name && slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return strconv.Itoa(int(p.Port)) == port })
		}) {
			t.Errorf("%s is not what is configured, or no service", want)
		}
	}
}

// TestRestricted checks what the namespace enforces, the profile restricted of the Pod Security Standards
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and that nothing but volumes can be written.
func TestRestricted(t *testing.T) {
	for _, set := range read(t).sets {
		pod := set.Spec.Template.Spec
		of := pod.SecurityContext
		if of == nil || !is(of.RunAsNonRoot) || *of.RunAsUser != 65532 || *of.FSGroup != 65532 || of.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("set %s: the pod's security context is %+v", set.Name, of)
		}
		if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID {
			t.Errorf("set %s has more than it needs", set.Name)
		}
		for _, container := range pod.Containers {
			c := container.SecurityContext
			if c == nil || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation || !is(c.ReadOnlyRootFilesystem) || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("set %s: the container's security context is %+v", set.Name, c)
			}
		}
	}
}

// TestVersions checks that the databases are those of docker-compose.yaml, with the flags that Streamlens needs.
func TestVersions(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Image   string
			Command []string
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	for _, set := range read(t).sets {
		container, service := set.Spec.Template.Spec.Containers[0], compose.Services[set.Name]
		if container.Image != service.Image {
			t.Errorf("set %s has the image %s, docker-compose.yaml %s", set.Name, container.Image, service.Image)
		}
		if set.Spec.Template.Labels["app.kubernetes.io/component"] == "database" && !slices.Equal(container.Args, service.Command) {
			t.Errorf("set %s has the flags %q, docker-compose.yaml %q", set.Name, container.Args, service.Command)
		}
	}
}

func is(value *bool) bool { return value != nil && *value }

// selected are the sets whose pods have these labels.
func selected(sets []appsv1.StatefulSet, of map[string]string) []appsv1.StatefulSet {
	var found []appsv1.StatefulSet
	for _, set := range sets {
		if labels.SelectorFromSet(of).Matches(labels.Set(set.Spec.Template.Labels)) {
			found = append(found, set)
		}
	}
	return found
}

func hasPort(set appsv1.StatefulSet, port intstr.IntOrString) bool {
	return slices.ContainsFunc(set.Spec.Template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal })
}

func checkPorts(t *testing.T, policy string, sets []appsv1.StatefulSet, ports []networkingv1.NetworkPolicyPort) {
	t.Helper()
	if len(ports) == 0 {
		t.Errorf("policy %s lets all ports in", policy)
	}
	for _, port := range ports {
		if !slices.ContainsFunc(sets, func(s appsv1.StatefulSet) bool { return hasPort(s, *port.Port) }) {
			t.Errorf("policy %s: no pod has a port %s", policy, port.Port.StrVal)
		}
	}
}
