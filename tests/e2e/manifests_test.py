"""The manifests in examples/kubernetes: valid by the schemas of Kubernetes, consistent in themselves and with the
configurations they hold, which `tidegate check` accepts. Run by manifests_test.sh, which has the packages.
"""

import copy
import os
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

FOLDER = pathlib.Path(os.environ["TIDEGATE_SOURCE"]) / "examples" / "kubernetes"
VERSIONS = ("1.30", kubernetes_validate.latest_version())  # the oldest that both variants are for, and the newest known
SOKETI_END = 3  # seconds from SIGTERM to its end, unless SHUTDOWN_GRACE_PERIOD is set
ONLY_RULE = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]}


class Loader(yaml.SafeLoader):
    """Takes no key twice, as kubectl does not."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"{node.start_mark}: the key {key} is there twice")
        return super().construct_mapping(node, deep)


def seconds(duration):
    """Of `5s`, `2m` or `500ms`."""
    for suffix, factor in (("ms", 0.001), ("s", 1), ("m", 60)):
        if duration.endswith(suffix):
            return float(duration.removesuffix(suffix)) * factor
    raise ValueError(duration)


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def pod(deployment):
    return deployment["spec"]["template"]["spec"]


def containers(deployment):
    return pod(deployment).get("initContainers", []) + pod(deployment)["containers"]


def gateway_of(deployment):
    return next((container for container in containers(deployment) if container["name"] == "tidegate"), None)


def configuration(documents, deployment):
    """What the gateway of this Deployment reads."""
    name = next(volume["configMap"]["name"] for volume in pod(deployment)["volumes"] if "configMap" in volume)
    found = next(each for each in of_kind(documents, "ConfigMap") if each["metadata"]["name"] == name)
    return found["data"]["tidegate.yaml"]


# === what may be wrong: each gives sentences ===


def schema_faults(documents):
    for document in documents:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
                yield f"{document['kind']} {document['metadata']['name']}, Kubernetes {version}: {error}"


def right_faults(documents):
    if of_kind(documents, "ClusterRole") or of_kind(documents, "ClusterRoleBinding"):
        yield "rights in the whole cluster are not needed"
    for role in of_kind(documents, "Role"):
        if role["rules"] != [ONLY_RULE]:
            yield f"Role {role['metadata']['name']}: more or less than list and watch of EndpointSlices"
    bound = {subject["name"] for each in of_kind(documents, "RoleBinding") for subject in each["subjects"]}
    for deployment in of_kind(documents, "Deployment"):
        reads = gateway_of(deployment) and "kubernetes:" in configuration(documents, deployment)
        if bool(reads) != (pod(deployment).get("serviceAccountName") in bound):
            yield f"Deployment {deployment['metadata']['name']}: its account has no rights that are used, or lacks them"
        if bool(reads) != pod(deployment).get("automountServiceAccountToken", True):
            yield f"Deployment {deployment['metadata']['name']}: a token for nothing, or none where one is needed"


def selector_faults(documents):
    """Whatever selects Pods selects those of a Deployment here, by ports that these have."""
    for document in documents:
        name = f"{document['kind']} {document['metadata']['name']}"
        spec = document.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is None:
            continue
        wanted = selector.get("matchLabels", selector)
        chosen = [
            each
            for each in of_kind(documents, "Deployment")
            if wanted.items() <= each["spec"]["template"]["metadata"]["labels"].items()
        ]
        if len(chosen) != 1:
            yield f"{name}: selects the Pods of {len(chosen)} Deployments"
            continue
        ports = {port["name"] for container in containers(chosen[0]) for port in container.get("ports", [])}
        used = [port["targetPort"] for port in spec.get("ports", [])]
        for rule in spec.get("ingress", []):
            used += [port["port"] for port in rule["ports"] if isinstance(port["port"], str)]
        yield from (f"{name}: the Pods have no port {port}" for port in used if port not in ports)


def security_faults(documents):
    """The restricted Pod Security Standard; for the gateway a read-only file system too."""
    for deployment in of_kind(documents, "Deployment"):
        name = f"Deployment {deployment['metadata']['name']}"
        context = pod(deployment).get("securityContext", {})
        if not context.get("runAsNonRoot") or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: not restricted"
        for container in containers(deployment):
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{name}, {container['name']}: not restricted"
        gateway = gateway_of(deployment)
        if gateway and not gateway["securityContext"].get("readOnlyRootFilesystem"):
            yield f"{name}: the gateway may write to its image"
        if gateway and "/run/tidegate" not in [mount["mountPath"] for mount in gateway["volumeMounts"]]:
            yield f"{name}: there is no place for the admin socket"


def time_faults(documents):
    """What takes its time at the end has it: the gateway's own end, or the hooks and the end of the app after them."""
    for deployment in of_kind(documents, "Deployment"):
        name = f"Deployment {deployment['metadata']['name']}"
        grace = pod(deployment)["terminationGracePeriodSeconds"]
        if not (gateway := gateway_of(deployment)):
            continue
        shutdown = yaml.load(configuration(documents, deployment), Loader)["shutdown"]
        end = seconds(shutdown["delay"]) + seconds(shutdown["deadline"])
        if seconds(shutdown["window"]) > seconds(shutdown["deadline"]):
            yield f"{name}: shutdown.window is longer than shutdown.deadline"
        if gateway not in pod(deployment).get("initContainers", []):
            if end >= grace:
                yield f"{name}: the gateway takes {end} s to end and has {grace}"
            continue
        hooks = [seconds(gateway["lifecycle"]["preStop"]["exec"]["command"][-1])]
        hooks += [each["lifecycle"]["preStop"]["sleep"]["seconds"] for each in pod(deployment)["containers"]]
        if end > min(hooks):
            yield f"{name}: the gateway takes {end} s to drain, its hooks are over after {min(hooks)}"
        if max(hooks) + SOKETI_END >= grace:
            yield f"{name}: after hooks of {max(hooks)} s nothing is left of {grace} s of grace"


def port_faults(documents):
    for deployment in of_kind(documents, "Deployment"):
        if not (gateway := gateway_of(deployment)):
            continue
        ports = {port["name"]: port["containerPort"] for port in gateway["ports"]}
        settings = yaml.load(configuration(documents, deployment), Loader)
        written = {
            "http": int(settings["listeners"][0].rpartition(":")[2]),
            "admin": int(settings["admin"]["address"].rpartition(":")[2]),
        }
        if ports != written:
            yield f"Deployment {deployment['metadata']['name']}: ports {ports}, but its gateway listens on {written}"


def configuration_faults(documents):
    for each in of_kind(documents, "ConfigMap"):
        text = each["data"]["tidegate.yaml"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            check = subprocess.run(
                [os.environ["TIDEGATE_PROGRAM"], "check", "-c", file.name], capture_output=True, text=True, check=False
            )
        if check.returncode != 0:
            said = (check.stdout + check.stderr).replace(file.name, "tidegate.yaml")
            yield f"ConfigMap {each['metadata']['name']}: {said}"


CHECKS = (schema_faults, right_faults, selector_faults, security_faults, time_faults, port_faults, configuration_faults)


def faults_of(documents):
    return [fault for check in CHECKS for fault in check(documents)]


# === the checks find something ===


def first(documents, kind):
    return of_kind(documents, kind)[0]


def set_grace(documents, value):
    for deployment in of_kind(documents, "Deployment"):
        pod(deployment)["terminationGracePeriodSeconds"] = value


def edit(documents, old, new):
    data = first(documents, "ConfigMap")["data"]
    data["tidegate.yaml"] = data["tidegate.yaml"].replace(old, new)


SPOILED = {
    "an unknown field": lambda docs: first(docs, "Service")["spec"].update(selektor={}),
    "a wrong type": lambda docs: first(docs, "Deployment")["spec"].update(replicas="two"),
    "a selector of nobody": lambda docs: first(docs, "Service")["spec"].update(selector={"app": "none"}),
    "a port that is not there": lambda docs: first(docs, "Service")["spec"]["ports"][0].update(targetPort="https"),
    "no restriction": lambda docs: pod(first(docs, "Deployment")).pop("securityContext"),
    "too little grace": lambda docs: set_grace(docs, 33),
    "another listener": lambda docs: edit(docs, ":8080", ":8081"),
    "a wrong key": lambda docs: edit(docs, "closes:", "cloeses:"),
}
SPOILED_GATEWAY = {
    "one verb more": lambda docs: first(docs, "Role")["rules"][0]["verbs"].append("get"),
    "one rule more": lambda docs: first(docs, "Role")["rules"].append({**ONLY_RULE, "resources": ["secrets"]}),
    "no account": lambda docs: pod(first(docs, "Deployment")).pop("serviceAccountName"),
}


def main():
    faults = []
    for path in sorted(FOLDER.glob("*.yaml")):
        documents = list(yaml.load_all(path.read_text(), Loader))
        faults += [f"{path.name}: {fault}" for fault in faults_of(documents)]
        spoiled = SPOILED | (SPOILED_GATEWAY if path.name == "gateway.yaml" else {})
        for name, spoil in spoiled.items():
            worse = copy.deepcopy(documents)
            spoil(worse)
            if not set(faults_of(worse)) - set(faults_of(documents)):
                faults.append(f"{path.name}: {name} is not noticed")
        print(f"{path.name}: {len(documents)} objects, {len(spoiled)} ways to spoil them")
    print("\n".join(faults) if faults else f"valid for Kubernetes {' and '.join(VERSIONS)}")
    return 1 if faults or not list(FOLDER.glob("*.yaml")) else 0


if __name__ == "__main__":
    sys.exit(main())
