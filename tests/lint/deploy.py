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

# What Debian 12 has of the servers that the tests start by hand.
PACKAGED = {"haproxy": "2.6", "redis": "7.0", "mariadb": "10.11"}

complaints: list[str] = []


def complain(path: pathlib.Path, text: str) -> None:
    complaint = f"{path.relative_to(ROOT)}: {text}"
    if complaint not in complaints:
        complaints.append(complaint)


class StrictLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win, silently."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if not key.tag.endswith(":merge")]
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


def default_ports() -> dict[str, set[int]]:
    """Those that each program of the image opens unless it is told others."""
    settings = (ROOT / "src/app/settings.h").read_text()
    of = lambda group: re.search(rf"struct {group} {{(.*?)\n    }};", settings, flags=re.S).group(1)
    return {program: {int(port) for port in re.findall(r"_port = (\d+);", of(group))}
            for program, group in (("payment-sim-api", "Server"), ("reservation-worker", "Worker"))}


def check_ports(path: pathlib.Path, ports: set[int], opened: set[int]) -> None:
    if ports != opened:
        complain(path, f"ports {sorted(ports)}, but Florin opens {sorted(opened)} there")


def is_florin(service: dict) -> bool:
    return service.get("build") is not None


def check_service(path: pathlib.Path, name: str, compose: dict) -> None:
    service = compose["services"][name]
    if not is_florin(service) and not re.search(r":[^:]*\d", service["image"]):
        complain(path, f"{name} runs {service['image']}, whose version may change by itself")
    for needed in service.get("depends_on", []):
        if needed not in compose["services"]:
            complain(path, f"{name} depends on {needed}, which is no service")
    mounted = {}
    for mount in service.get("volumes", []):
        source, target = mount.split(":")[:2]
        mounted[target] = path.parent / source
        if source.startswith(".") and not (path.parent / source).exists():
            complain(path, f"{name} mounts {source}, which does not exist")
        if not source.startswith(".") and source not in compose["volumes"]:
            complain(path, f"{name} mounts {source}, which is no volume")
    for argument in service.get("command", []):
        for target, source in mounted.items():
            file = argument.removeprefix("--config.file=")
            if file.startswith(f"{target}/") and not (source / file[len(target) + 1:]).exists():
                complain(path, f"{name} is started with {file}, which does not exist")


def check_compose(path: pathlib.Path, docker: dict, settings: str) -> None:
    for compose in documents_of(path):
        for name in compose["services"]:
            check_service(path, name, compose)
        for service in filter(is_florin, compose["services"].values()):
            check_settings(path, service["environment"], settings)
        florin = compose["services"].get("florin")
        if florin is None:
            check_parts(path, compose["services"], docker)
            continue
        check_ports(path, {int(port.split(":")[-1]) for port in florin["ports"]}, docker["ports"]["payment-sim-api"])
        if not any(mount.endswith(f":{docker['volume']}") for mount in florin["volumes"]):
            complain(path, f"nothing keeps {docker['volume']}")


def check_parts(path: pathlib.Path, services: dict, docker: dict) -> None:
    """Together the parts do everything, and with the same settings; the load balancer knows each instance of a face."""
    parts = {name: service for name, service in services.items() if "FLORIN_ROLE" in service.get("environment", {})}
    known = set(re.findall(r'\{"([a-z]+)", Role::', (ROOT / "src/app/roles.cc").read_text()))
    roles = {service["environment"]["FLORIN_ROLE"] for service in parts.values()}
    if roles != known:
        complain(path, f"has the roles {sorted(roles)}, but Florin knows {sorted(known)}")
    if len({json.dumps(service["environment"] | {"FLORIN_ROLE": ""}, sort_keys=True) for service in parts.values()}) != 1:
        complain(path, "its parts differ in more than their role")
    balancer = path.parent / "haproxy/haproxy.cfg"
    for name, count, service, port, health in re.findall(
            r"server-template (\S+) (\d+) ([a-z-]+):(\d+) check port (\d+)", balancer.read_text()):
        replicas = services.get(service, {}).get("deploy", {}).get("replicas", 1)
        if service not in parts or int(count) != replicas:
            complain(balancer, f"{name} has room for {count} of {service}, of which {path.name} starts {replicas}")
        if not {int(port), int(health)} <= docker["ports"]["payment-sim-api"]:
            complain(balancer, f"{name} goes to {port} and looks at {health}, which Florin does not open")
    listened = {int(port) for port in re.findall(r"^\s+bind :(\d+)$", balancer.read_text(), flags=re.M)}
    published = {int(port.split(":")[-1]) for port in services["loadbalancer"]["ports"]}
    if listened != published:
        complain(path, f"publishes {sorted(published)} of the load balancer, which listens on {sorted(listened)}")


def check_scraped(path: pathlib.Path, services: dict) -> None:
    """Prometheus looks at each Florin of the compose file it belongs to, and at nobody else."""
    wanted = {name for name, service in services.items()
              if is_florin(service) and not service.get("healthcheck", {}).get("disable")}
    scraped = set()
    for document in documents_of(path):
        for job in document["scrape_configs"]:
            for place in job.get("dns_sd_configs", []):
                scraped |= {f"{name}:{place['port']}" for name in place["names"]}
            for place in job.get("static_configs", []):
                scraped |= set(place["targets"])
    if scraped != {f"{name}:8031" for name in wanted}:
        complain(path, f"scrapes {sorted(scraped)}, but the parts are {sorted(wanted)}")


def check_versions(path: pathlib.Path, services: dict) -> None:
    """What runs there is what the tests start by hand."""
    pom = (ROOT / "tests/services/kafka/pom.xml").read_text()
    wanted = re.search(r"<kafka.version>(.*?)</kafka.version>", pom).group(1)
    if services["kafka"]["image"] != f"apache/kafka:{wanted}":
        complain(path, f"runs {services['kafka']['image']}, but the tests run Kafka {wanted}")
    for service in services.values():
        name, _, tag = service["image"].partition(":")
        if name in PACKAGED and tag.split("-")[0] != PACKAGED[name]:
            complain(path, f"runs {service['image']}, but the tests run {name} {PACKAGED[name]}")
    # Tests take the flags of Redis from the file, if they can be read.
    if not re.fullmatch(r'exec redis-server(?: --[a-z-]+ (?:"[^"]*"|[^\s"]+))+', services["redis"]["command"][-1]):
        complain(path, "starts Redis in a way that tests/services/compose.mjs cannot read")
    tested = (ROOT / "tests/services/mariadb.mjs").read_text() + (ROOT / "deploy/debezium/mariadb.cnf").read_text()
    for flag in services["mariadb"]["command"]:
        option, _, value = flag.removeprefix("--").partition("=")
        sized = option.endswith("-size")  # a matter of the machine
        if f"'{option}'" not in tested and f"--{option}" not in tested or not sized and value and value not in tested:
            complain(path, f"starts MariaDB with {flag}, which no test does")


def check_kubernetes(path: pathlib.Path, docker: dict, settings: str) -> None:
    """A container opens the ports of the program it runs, which its probes and the service ask."""
    documents = documents_of(path)
    opened = set()
    for document in documents:
        if document["kind"] != "Deployment":
            continue
        for container in document["spec"]["template"]["spec"]["containers"]:
            check_settings(path, (variable["name"] for variable in container.get("env", [])), settings)
            program = pathlib.Path((container.get("command") or docker["command"])[0]).name
            if program not in docker["ports"]:
                complain(path, f"{container['name']} runs {program}, which is not in the image")
                continue
            ports = docker["ports"][program]
            check_ports(path, {port["containerPort"] for port in container["ports"]}, ports)
            check_probes(path, container, ports)
            check_volumes(path, container, docker)
            opened |= ports
    for document in documents:
        if document["kind"] == "Service":
            check_ports(path, {port["targetPort"] for port in document["spec"]["ports"]}, opened)


def check_probes(path: pathlib.Path, container: dict, ports: set[int]) -> None:
    asked = {}
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        for how in ("httpGet", "grpc"):
            asked |= {name: probe for probe in [container.get(name, {}).get(how)] if probe}
    for name, probe in asked.items():
        if probe["port"] not in ports:
            complain(path, f"its {name} asks {probe['port']}, which {container['name']} does not open")
    for name, wanted in (("livenessProbe", "/health"), ("readinessProbe", "/ready")):
        if asked.get(name, {}).get("path") != wanted:
            complain(path, f"the {name} of {container['name']} does not ask {wanted}")


def check_volumes(path: pathlib.Path, container: dict, docker: dict) -> None:
    if docker["volume"] not in {mount["mountPath"] for mount in container.get("volumeMounts", [])}:
        complain(path, f"nothing keeps {docker['volume']}")


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
    ports = default_ports()
    exposed = {int(port) for port in re.search(r"^EXPOSE (.*)$", text, flags=re.M).group(1).split()}
    check_ports(path, exposed, set().union(*ports.values()))
    asked = [int(port) for port in re.findall(r"http://localhost:(\d+)/health", re.search(r"^HEALTHCHECK .*$", text, flags=re.M).group(0))]
    for program, opened in ports.items():
        if len(opened & set(asked)) != 1:
            complain(path, f"HEALTHCHECK asks {asked}, and not one port of {program}")
        if program not in runtime:
            complain(path, f"the image has no {program}")
    return {
        "ports": ports,
        "command": json.loads(re.search(r"^CMD (.*)$", text, flags=re.M).group(1)),
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
    for compose, prometheus in (("compose.yaml", "prometheus.yml"), ("compose.scale.yaml", "prometheus.scale.yml")):
        check_compose(ROOT / "deploy" / compose, docker, settings)
        for document in documents_of(ROOT / "deploy" / compose):
            check_scraped(ROOT / "deploy/prometheus" / prometheus, document["services"])
            if "kafka" in document["services"]:
                check_versions(ROOT / "deploy" / compose, document["services"])
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
