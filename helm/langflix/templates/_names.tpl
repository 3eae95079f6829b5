{{/* The chart's name in labels. */}}
{{- define "langflix.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* What objects' names begin with: 40 characters, so that the longest ending stays within 63. */}}
{{- define "langflix.fullname" -}}
{{- $name := include "langflix.name" . -}}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $whole .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels that never change, by which pods are selected: of (dict "root" $ "component" "dispatcher"). */}}
{{- define "langflix.selector" -}}
app.kubernetes.io/name: {{ include "langflix.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels. */}}
{{- define "langflix.labels" -}}
{{- $own := fromYaml (include "langflix.selector" .) -}}
{{- $told := dict "app.kubernetes.io/part-of" "langflix" "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $told = merge $told (dict "app.kubernetes.io/version" .root.Chart.AppVersion) -}}
{{- $told = merge $told (dict "helm.sh/chart" (printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_"))) -}}
{{- toYaml (merge $own $told .root.Values.commonLabels) -}}
{{- end -}}

{{/* The metadata of an object: of (dict "root" $ "component" … "name" … "annotations" …); without a name that of the component. */}}
{{- define "langflix.metadata" -}}
name: {{ .name | default (printf "%s-%s" (include "langflix.fullname" .root) .component) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- toYaml (merge (dict) (.labels | default dict) (fromYaml (include "langflix.labels" .))) | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An image's address: of (dict "root" $ "image" .Values.image). */}}
{{- define "langflix.image" -}}
{{- $name := .image.repository -}}
{{- with .image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- if .image.digest -}}
{{ $name }}@{{ .image.digest }}
{{- else -}}
{{ $name }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}
