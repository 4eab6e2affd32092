#!/bin/sh
# Loads the example's fleet pipelines, rules and alert routing into a running `pharos server`.
# usage: load.sh [URL] [TENANT]
set -eu
url=${1:-http://127.0.0.1:3000}
tenant=${2:-shop}
here=$(cd "$(dirname "$0")" && pwd)

post() { curl -fsS -H "X-Scope-OrgID: $tenant" "$@" >/dev/null; }

pipeline() { # name, file, matchers as a JSON list
	contents=$(sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' "$2" | awk '{printf "%s\\n", $0}')
	post -H 'Content-Type: application/json' -d "{\"pipeline\":{\"name\":\"$1\",\"contents\":\"$contents\",\"matchers\":$3,\"enabled\":true}}" \
		"$url/pipeline.v1.PipelineService/UpsertPipeline"
}

pipeline checkout_metrics "$here/pipelines/checkout-metrics.alloy" '["role=\"checkout\""]'
pipeline checkout_logs "$here/pipelines/checkout-logs.alloy" '["role=\"checkout\""]'
pipeline host "$here/pipelines/host.alloy" '["env=\"prod\""]'

post -H 'Content-Type: application/yaml' --data-binary @"$here/rules/metrics/checkout.yml" "$url/prometheus/config/v1/rules/checkout"
post -H 'Content-Type: application/yaml' --data-binary @"$here/rules/logs/checkout.yml" "$url/loki/api/v1/rules/checkout"

{
	echo 'template_files:'
	echo '  shop.tmpl: |'
	sed 's/^/    /' "$here/alertmanager/templates/shop.tmpl"
	echo 'alertmanager_config: |'
	sed -e 's#templates/\*\.tmpl#shop.tmpl#' -e 's/^/  /' "$here/alertmanager/alertmanager.yml"
} | post -H 'Content-Type: application/yaml' --data-binary @- "$url/api/v1/alerts"

echo "loaded into $url for tenant $tenant"
