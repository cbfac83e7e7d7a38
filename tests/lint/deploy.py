#!/usr/bin/env python3
"""Holds what runs Florin elsewhere to what Florin is: Dockerfile, deploy/, k8s/ and the workflow parse, and name only
ports, settings, files, metrics and libraries that exist."""
import json
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# In every Debian image, or needed by the packages that are named.
IMPLIED_PACKAGES = {"libc6", "libgcc-s1", "libstdc++6"}

complaints: list[str] = []


def complain(path: pathlib.Path, text: str) -> None:
    complaints.append(f"{path.relative_to(ROOT)}: {text}")


class StrictLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win, silently."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"the key {key} stands twice ({node.start_mark})")
        return super().construct_mapping(node, deep)


def documents_of(path: pathlib.Path) -> list:
    try:
        return list(yaml.load_all(path.read_text(), StrictLoader))
    except yaml.YAMLError as error:
        complain(path, f"is not YAML: {error}")
        return []


def sources(*folders: str) -> str:
    return "\n".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.cc")))


def check_settings(path: pathlib.Path, names, known: str) -> None:
    for name in names:
        if f'"{name}"' not in known:
            complain(path, f"{name} is no setting")


def check_ports(path: pathlib.Path, ports: set[int], exposed: set[int]) -> None:
    if ports != exposed:
        complain(path, f"ports {sorted(ports)}, but the Dockerfile exposes {sorted(exposed)}")


def check_compose(path: pathlib.Path, docker: dict, settings: str) -> None:
    for compose in documents_of(path):
        for name, service in compose["services"].items():
            for mount in service.get("volumes", []):
                source = mount.split(":")[0]
                if source.startswith(".") and not (path.parent / source).exists():
                    complain(path, f"{name} mounts {source}, which does not exist")
                if not source.startswith(".") and source not in compose["volumes"]:
                    complain(path, f"{name} mounts {source}, which is no volume")
        florin = compose["services"]["florin"]
        check_settings(path, florin["environment"], settings)
        check_ports(path, {int(port.split(":")[-1]) for port in florin["ports"]}, docker["ports"])
        if not any(mount.endswith(f":{docker['volume']}") for mount in florin["volumes"]):
            complain(path, f"nothing keeps {docker['volume']}")


def check_kubernetes(path: pathlib.Path, docker: dict, settings: str) -> None:
    for document in documents_of(path):
        if document["kind"] != "Deployment":
            continue
        for container in document["spec"]["template"]["spec"]["containers"]:
            check_settings(path, (variable["name"] for variable in container.get("env", [])), settings)
            check_ports(path, {port["containerPort"] for port in container["ports"]}, docker["ports"])


def check_metrics(path: pathlib.Path, known: str) -> None:
    text = path.read_text()
    if path.suffix == ".json":
        json.loads(text)
    for name in set(re.findall(r"\b(?:florin|webhook|grpc_server|process)_[a-z_]+\b", text)):
        if f'"{re.sub("_(bucket|sum|count)$", "", name)}"' not in known and f'"{name}"' not in known:
            complain(path, f"{name} is no metric")


def read_dockerfile(path: pathlib.Path) -> dict:
    text = path.read_text().replace("\\\n", " ")
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, flags=re.M):
        if not (ROOT / source).exists():
            complain(path, f"copies {source}, which does not exist")
    for script in re.findall(r"\bscripts/\S+\.sh\b", text):
        if not (ROOT / script).exists():
            complain(path, f"runs {script}, which does not exist")
    runtime = text.split("\nFROM ")[-1]
    return {
        "ports": {int(port) for port in re.search(r"^EXPOSE (.*)$", text, flags=re.M).group(1).split()},
        "volume": re.search(r"^VOLUME (\S+)$", text, flags=re.M).group(1),
        "packages": set(re.search(r"install -y -qq --no-install-recommends(.*?)&&", runtime).group(1).split()),
    }


def check_libraries(path: pathlib.Path, packages: set[str], binary: pathlib.Path) -> None:
    """The image needs the packages of all libraries that the binary links to."""
    linked = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    for library in re.findall(r"=> (/\S+)", linked):
        owner = subprocess.run(["dpkg", "-S", pathlib.Path(library).resolve()], capture_output=True, text=True).stdout
        package = owner.split(":")[0]
        if package and package not in packages | IMPLIED_PACKAGES:
            complain(path, f"the image lacks {package}, which has {pathlib.Path(library).name}")


def main() -> int:
    dockerfile = ROOT / "Dockerfile"
    docker = read_dockerfile(dockerfile)
    binary = ROOT / "bin" / "florin"
    if binary.exists():
        check_libraries(dockerfile, docker["packages"], binary)
    settings = sources("src/app")
    metrics = sources("src")
    check_compose(ROOT / "deploy/compose.yaml", docker, settings)
    for path in sorted((ROOT / "k8s").glob("*.yaml")):
        check_kubernetes(path, docker, settings)
    for path in [*(ROOT / "deploy").rglob("*.y*ml"), *(ROOT / ".github").rglob("*.y*ml"), ROOT / "api/openapi.yaml"]:
        documents_of(path)
    for path in [ROOT / "deploy/prometheus/alerts.yml", *(ROOT / "deploy/grafana/dashboards").glob("*.json")]:
        check_metrics(path, metrics)
    for complaint in complaints:
        print(complaint)
    print(f"deploy: {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
