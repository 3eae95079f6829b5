{{/* The settings that the ConfigMap holds: those given, and the addresses of servers that the chart brings. */}}
{{- define "langflix.config" -}}
{{- $own := dict -}}
{{- $host := printf "%s-%%s.%s.svc" (include "langflix.fullname" .) .Release.Namespace -}}
{{- with .Values.inCluster }}
{{- if .rabbitmq.enabled }}{{ $own = merge $own (dict "rabbitmq" (dict "url" (printf "amqp://%s:5672" (printf $host "rabbitmq")))) }}{{ end -}}
{{- if .redis.enabled }}{{ $own = merge $own (dict "redis" (dict "url" (printf "redis://%s:6379" (printf $host "redis")))) }}{{ end -}}
{{- if .s3.enabled }}{{ $own = merge $own (dict "s3" (dict "endpoint" (printf "http://%s:8333" (printf $host "s3")) "path_style" true)) }}{{ end -}}
{{- end -}}
{{- $config := mergeOverwrite (deepCopy .Values.config) $own -}}
{{- if not (dig "rabbitmq" "url" "" $config) }}{{ fail "config.rabbitmq.url: give the address of RabbitMQ, such as amqps://rabbitmq.example:5671/langflix" }}{{ end -}}
{{- if not (dig "redis" "url" "" $config) }}{{ fail "config.redis.url: give the address of Redis, such as rediss://redis.example:6379" }}{{ end -}}
{{- if not (dig "s3" "bucket" "" $config) }}{{ fail "config.s3.bucket: give the bucket that sources and clips lie in" }}{{ end -}}
{{- if not .Values.s3.existingSecret }}{{ fail "s3.existingSecret: give a secret with the keys of S3" }}{{ end -}}
{{- if and .Values.llm.existingSecret (not (dig "llm" "provider" "" $config)) }}{{ fail "config.llm.provider: say which one llm.existingSecret is for, since only analysis workers see the key: gemini or openai" }}{{ end -}}
{{- if not (include "langflix.rabbitmqSecret" .) }}{{ fail "rabbitmq.existingSecret: give a secret with RabbitMQ's user and password" }}{{ end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The secret with RabbitMQ's user; the Cluster Operator makes one. */}}
{{- define "langflix.rabbitmqSecret" -}}
{{- if .Values.inCluster.rabbitmq.enabled }}{{ include "langflix.fullname" . }}-rabbitmq-default-user{{ else }}{{ .Values.rabbitmq.existingSecret }}{{ end -}}
{{- end -}}

{{/* The secret with Redis's password; the one that the chart brings has none. */}}
{{- define "langflix.redisSecret" -}}
{{- if not .Values.inCluster.redis.enabled }}{{ .Values.redis.existingSecret }}{{ end -}}
{{- end -}}

{{/* The port of an address: of (dict "url" … "ports" (dict "https" 443)). */}}
{{- define "langflix.port" -}}
{{- $url := urlParse .url -}}
{{- $host := regexReplaceAll "^.*@" $url.host "" -}}
{{- if regexMatch ":[0-9]+$" $host }}{{ regexFind "[0-9]+$" $host }}{{ else }}{{ get .ports $url.scheme | required (printf "%s: the scheme is not known" .url) }}{{ end -}}
{{- end -}}

{{/* The address that KEDA asks, which ends with the virtual host. */}}
{{- define "langflix.managementUrl" -}}
{{- $made := ternary (printf "http://%s-rabbitmq.%s.svc:15672" (include "langflix.fullname" .) .Release.Namespace) "" .Values.inCluster.rabbitmq.enabled -}}
{{- $url := .Values.rabbitmq.managementUrl | default $made | required "rabbitmq.managementUrl: KEDA asks RabbitMQ's management API; give its address, such as http://rabbitmq:15672" -}}
{{- $config := fromYaml (include "langflix.config" .) -}}
{{- /* As it is written, percent signs included. */ -}}
{{- $vhost := regexReplaceAll "^[a-z]+://[^/]*/?" (dig "rabbitmq" "url" "" $config) "" -}}
{{- printf "%s/%s" (trimSuffix "/" $url) $vhost -}}
{{- end -}}

{{/* Where secrets are mounted. */}}
{{- define "langflix.secretsDir" -}}/etc/langflix/secrets{{- end -}}

{{/* Environment variables by which a program finds secrets: of (dict "root" $ "model" true "web" true). */}}
{{- define "langflix.serversEnv" -}}
{{- $values := .root.Values -}}
{{- $dir := include "langflix.secretsDir" . -}}
{{- with $values.rabbitmq.usernameKey }}
- name: LANGFLIX__RABBITMQ__USERNAME
  valueFrom: { secretKeyRef: { name: {{ include "langflix.rabbitmqSecret" $.root }}, key: {{ . }} } }
{{- end }}
- name: LANGFLIX__RABBITMQ__PASSWORD_FILE
  value: {{ $dir }}/rabbitmq/password
{{- if include "langflix.redisSecret" .root }}
- name: LANGFLIX__REDIS__PASSWORD_FILE
  value: {{ $dir }}/redis/password
{{- end }}
- name: LANGFLIX__S3__ACCESS_KEY_FILE
  value: {{ $dir }}/s3/access-key
- name: LANGFLIX__S3__SECRET_KEY_FILE
  value: {{ $dir }}/s3/secret-key
{{- if and .model $values.llm.existingSecret }}
- name: LANGFLIX__LLM__API_KEY_FILE
  value: {{ $dir }}/llm/api-key
{{- end }}
{{- with $values.dispatcher.web }}
{{- if and $.web .enabled .existingSecret }}
{{- if .viewTokenKey }}
- name: LANGFLIX__WEB__VIEW_TOKEN_FILE
  value: {{ $dir }}/web/view-token
{{- end }}
{{- if .actionTokenKey }}
- name: LANGFLIX__WEB__ACTION_TOKEN_FILE
  value: {{ $dir }}/web/action-token
{{- end }}
{{- end }}
{{- end }}
{{- if $values.telemetry.existingSecret }}
- name: LANGFLIX__TELEMETRY__OTLP_HEADERS_FILE
  value: {{ $dir }}/telemetry/headers
{{- end }}
{{- if or $values.ca.existingSecret $values.ca.existingConfigMap }}
{{- range $values.ca.servers }}
- name: LANGFLIX__{{ upper . }}__CA_FILE
  value: {{ $dir }}/ca.crt
{{- end }}
{{- end }}
{{- with $values.logFilter }}
- name: RUST_LOG
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The volumes that go with them. */}}
{{- define "langflix.serversVolumes" -}}
{{- $values := .root.Values -}}
- name: config
  configMap: { name: {{ include "langflix.fullname" .root }} }
- name: secrets
  projected:
    # For the group of the volume, which the programs run as.
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "langflix.rabbitmqSecret" .root }}
          items: [{ key: {{ $values.rabbitmq.passwordKey }}, path: rabbitmq/password }]
      {{- with include "langflix.redisSecret" .root }}
      - secret:
          name: {{ . }}
          items: [{ key: {{ $values.redis.passwordKey }}, path: redis/password }]
      {{- end }}
      - secret:
          name: {{ $values.s3.existingSecret }}
          items:
            - { key: {{ $values.s3.accessKeyKey }}, path: s3/access-key }
            - { key: {{ $values.s3.secretKeyKey }}, path: s3/secret-key }
      {{- if and .model $values.llm.existingSecret }}
      - secret:
          name: {{ $values.llm.existingSecret }}
          items: [{ key: {{ $values.llm.apiKeyKey }}, path: llm/api-key }]
      {{- end }}
      {{- with $values.dispatcher.web }}
      {{- if and $.web .enabled .existingSecret (or .viewTokenKey .actionTokenKey) }}
      - secret:
          name: {{ .existingSecret }}
          items:
            {{- with .viewTokenKey }}
            - { key: {{ . }}, path: web/view-token }
            {{- end }}
            {{- with .actionTokenKey }}
            - { key: {{ . }}, path: web/action-token }
            {{- end }}
      {{- end }}
      {{- end }}
      {{- with $values.telemetry.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{ key: {{ $values.telemetry.headersKey }}, path: telemetry/headers }]
      {{- end }}
      {{- with $values.ca.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{ key: {{ $values.ca.key }}, path: ca.crt }]
      {{- end }}
      {{- with $values.ca.existingConfigMap }}
      - configMap:
          name: {{ . }}
          items: [{ key: {{ $values.ca.key }}, path: ca.crt }]
      {{- end }}
{{- end -}}

{{/* Where they are mounted. */}}
{{- define "langflix.serversMounts" -}}
- { name: config, mountPath: /etc/langflix/langflix.yaml, subPath: langflix.yaml, readOnly: true }
- { name: secrets, mountPath: {{ include "langflix.secretsDir" . }}, readOnly: true }
{{- end -}}
