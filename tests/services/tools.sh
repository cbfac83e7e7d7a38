#!/usr/bin/env bash
# Installs the named tools into build/tools, through the Go module proxy, from PyPI, npm or Maven Central. Exit 3:
# they cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/../.."
declare -A modules=(
  [grpcurl]=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
  [grpcui]=github.com/fullstorydev/grpcui/cmd/grpcui@v1.4.3
  [ghz]=github.com/bojand/ghz/cmd/ghz@v0.121.0
)
mkdir -p build/tools

install_schemathesis() { # into a virtual environment, again when the pinned versions change
  local folder=build/tools/schemathesis-venv wanted=tests/services/schemathesis/requirements.txt
  cmp -s "$wanted" "$folder/installed.txt" && return
  rm -rf "$folder"
  { /usr/bin/python3 -m venv "$folder" && timeout 300 "$folder/bin/pip" install --quiet --no-input -r "$wanted"; } >build/tools/schemathesis.log 2>&1 ||
    { echo "schemathesis: PyPI did not give it (build/tools/schemathesis.log)" >&2; exit 3; }
  ln -sf schemathesis-venv/bin/schemathesis build/tools/schemathesis
  cp "$wanted" "$folder/installed.txt"
}

plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
maven() { # into build/tools/kafka; a tool's name first
  local tool=$1; shift
  command -v mvn >/dev/null && command -v java >/dev/null || { echo "$tool: Maven or Java is not installed here (scripts/setup.sh services)" >&2; exit 3; }
  timeout 300 mvn -B -q "$@" >build/tools/$tool.log 2>&1 || { echo "$tool: Maven Central did not give it (build/tools/$tool.log)" >&2; exit 3; }
}

install_kafka() { # a broker and Kafka Connect, again when the versions change
  local folder=build/tools/kafka wanted=tests/services/kafka/pom.xml
  cmp -s "$wanted" "$folder/installed.xml" && return
  rm -rf "$folder/libs"
  maven kafka -f "$wanted" $plugin:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$folder/libs"
  cp "$wanted" "$folder/installed.xml"
}

install_debezium() { # a folder of its own, as Connect's plugin.path wants it
  local folder=build/tools/kafka/plugins version
  version=$(sed -n 's/.*<debezium.version>\(.*\)<.*/\1/p' tests/services/kafka/pom.xml)
  [ -e "$folder/$version" ] && return
  rm -rf "$folder"
  maven debezium $plugin:copy -Dartifact="io.debezium:debezium-connector-mariadb:$version:tar.gz:plugin" -DoutputDirectory="$PWD/$folder"
  tar -xzf "$folder"/*.tar.gz -C "$folder"
  rm "$folder"/*.tar.gz
  touch "$folder/$version"
}

install_node() { # Debian's is older than what the Kafka client of the tests needs
  node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major * 100 + minor * 1 >= 2019 ? 0 : 1)' && return
  [ -x build/tools/node/bin/node ] && return
  local package
  package=node-linux-$(node -p process.arch)
  timeout 300 npm install --prefix build/tools/node --silent --no-fund --no-audit "$package@22.23.3" >build/tools/node.log 2>&1 ||
    { echo "node: npm did not give Node.js 22 (build/tools/node.log)" >&2; exit 3; }
  ln -sfn "node_modules/$package/bin" build/tools/node/bin
}

for tool in "$@"; do
  if [ "$tool" = node ]; then install_node; continue; fi
  if [ "$tool" = schemathesis ]; then install_schemathesis; continue; fi
  if [ "$tool" = kafka ]; then install_kafka; continue; fi
  if [ "$tool" = debezium ]; then install_kafka; install_debezium; continue; fi
  [ -x "build/tools/$tool" ] && continue
  if [ "$tool" = moto ]; then
    { python3 -m venv build/tools/python && timeout 300 build/tools/python/bin/pip install --quiet 'moto[server,events,sqs]==5.2.5' 'awscli==1.46.2'; } >build/tools/moto.log 2>&1 ||
      { echo "moto: PyPI did not give it (build/tools/moto.log)" >&2; exit 3; }
    ln -sf python/bin/aws build/tools/aws
    ln -sf python/bin/moto_server build/tools/moto
    continue
  fi
  command -v go >/dev/null || { echo "$tool: Go is not installed here" >&2; exit 3; }
  GOBIN=$PWD/build/tools timeout 300 go install "${modules[$tool]}" >build/tools/$tool.log 2>&1 ||
    { echo "$tool: the Go module proxy did not give it (build/tools/$tool.log)" >&2; exit 3; }
done
