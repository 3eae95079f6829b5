{{/* Lets this release's programs reach a server that the chart brings: of (dict "root" $ "component" "redis" "ports" …). */}}
{{- define "langflix.serverPolicy" -}}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "langflix.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "langflix.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "langflix.name" .root }}
              app.kubernetes.io/instance: {{ .root.Release.Name }}
      ports:
        {{- range .ports }}
        - { port: {{ . }}, protocol: TCP }
        {{- end }}
{{- end }}
{{- end -}}
