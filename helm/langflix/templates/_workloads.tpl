{{/* The workloads that are on, as `list`: what each is called, where its values lie, and what it needs. */}}
{{- define "langflix.workloads" -}}
list:
  - { component: dispatcher, values: dispatcher, image: image, program: langflix-dispatcher }
  - { component: analysis-worker, values: analysisWorker, image: image, program: langflix-analysis-worker, model: true }
  {{- if .Values.encodingWorkerGpu.enabled }}
  - { component: encoding-worker-gpu, values: encodingWorkerGpu, image: gpuImage, program: langflix-encoding-worker, gpu: true }
  {{- end }}
  {{- if .Values.encodingWorkerCpu.enabled }}
  - { component: encoding-worker-cpu, values: encodingWorkerCpu, image: mediaImage, program: langflix-encoding-worker }
  {{- end }}
{{- end -}}

{{/* What scales a workload: of its values. */}}
{{- define "langflix.scaledBy" -}}
{{- dig "autoscaling" "kind" "none" . -}}
{{- end -}}

{{/* The name of a priority class, which is one of the whole cluster and whose value cannot change: of (dict "root" $ "kind" "worker"). */}}
{{- define "langflix.priorityClass" -}}
{{- $value := index .root.Values.priorityClasses .kind | int64 -}}
{{ include "langflix.fullname" .root }}-{{ .kind }}-{{ printf "%s %d" .root.Release.Namespace $value | sha256sum | trunc 8 }}
{{- end -}}

{{/* The security context of every pod. */}}
{{- define "langflix.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* The security context of every container. */}}
{{- define "langflix.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* What all pods of the programs have in common: of (dict "root" $ "component" …). */}}
{{- define "langflix.podCommon" -}}
automountServiceAccountToken: false
# Services of the namespace would be told in variables whose names may begin with LANGFLIX.
enableServiceLinks: false
securityContext:
  {{- include "langflix.podSecurity" . | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where its pods may go: of (dict "root" $ "workload" …). A GPU worker's node has one of the models. */}}
{{- define "langflix.affinity" -}}
{{- $values := index .root.Values .workload.values -}}
{{- $affinity := deepCopy $values.affinity -}}
{{- if and .workload.gpu $values.gpuProducts -}}
{{- $products := $values.gpuProducts -}}
{{- if $values.timeSlicing -}}
{{- range $values.gpuProducts }}{{ $products = append $products (printf "%s-SHARED" .) }}{{ end -}}
{{- end -}}
{{- $has := dict "key" "nvidia.com/gpu.product" "operator" "In" "values" $products -}}
{{- $required := dig "nodeAffinity" "requiredDuringSchedulingIgnoredDuringExecution" "nodeSelectorTerms" (list dict) $affinity -}}
{{- $terms := list -}}
{{- range $required }}{{ $terms = append $terms (merge (dict "matchExpressions" (append (default list .matchExpressions) $has)) .) }}{{ end -}}
{{- $affinity = mergeOverwrite $affinity (dict "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms))) -}}
{{- end -}}
{{- with $affinity }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Environment variables of a workload besides those of the servers. */}}
{{- define "langflix.workloadEnv" -}}
{{- $values := index .root.Values .workload.values -}}
- name: LANGFLIX__FLEET__DRAIN_SECONDS
  value: {{ sub (int .root.Values.terminationGracePeriodSeconds) 30 | quote }}
{{- if and (eq .component "dispatcher") $values.web.enabled }}
- name: LANGFLIX__WEB__ADDRESS
  value: 0.0.0.0:{{ $values.web.port }}
{{- end }}
{{- if eq .component "encoding-worker-cpu" }}
# So that it looks for no GPU; a clip for NVENC is its to encode all the same.
- name: LANGFLIX__VIDEO__CODEC
  value: libx264
{{- end }}
{{- with $values.scratch }}
- name: LANGFLIX__FLEET__SCRATCH_DIR
  value: /var/lib/langflix/scratch
- name: LANGFLIX__FLEET__SCRATCH_MB
  value: {{ .sizeMb | int | quote }}
- name: TMPDIR
  value: /var/lib/langflix
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volume of scratch: a folder of the node, or a volume of its own. */}}
{{- define "langflix.scratchVolume" -}}
{{- $size := printf "%dMi" (add (int .sizeMb) 2048) -}}
- name: scratch
  {{- if .storageClassName }}
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: {{ .storageClassName }}
        resources: { requests: { storage: {{ $size }} } }
  {{- else }}
  emptyDir: { sizeLimit: {{ $size }} }
  {{- end }}
{{- end -}}

{{/* The pod template of a workload: of (dict "root" $ "workload" … "component" …). */}}
{{- define "langflix.workloadPod" -}}
{{- $root := .root -}}
{{- $values := index .root.Values .workload.values -}}
{{- $web := and (eq .component "dispatcher") .root.Values.dispatcher.web.enabled -}}
{{- $servers := dict "root" .root "model" .workload.model "web" $web -}}
metadata:
  labels:
    {{- toYaml (merge (fromYaml (include "langflix.selector" .)) $values.podLabels .root.Values.commonLabels) | nindent 4 }}
  annotations:
    checksum/config: {{ include "langflix.config" .root | sha256sum }}
    {{- with merge (dict) $values.podAnnotations .root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "langflix.fullname" .root }}-{{ .component }}
  {{- include "langflix.podCommon" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
  {{- $class := "" }}
  {{- if .root.Values.priorityClasses.create }}
  {{- $class = include "langflix.priorityClass" (dict "root" .root "kind" (ternary "dispatcher" "worker" (eq .component "dispatcher"))) }}
  {{- end }}
  {{- with $values.priorityClassName | default $class }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .workload.gpu }}
  {{- with $values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "langflix.affinity" . }}
  affinity:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $values.spreadOver }}
  topologySpreadConstraints:
    {{- range . }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "langflix.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "langflix.image" (dict "root" $root "image" (index .root.Values .workload.image)) }}
      imagePullPolicy: {{ (index .root.Values .workload.image).pullPolicy }}
      command: [{{ .workload.program }}]
      args: [--config, /etc/langflix/langflix.yaml]
      env:
        {{- include "langflix.serversEnv" $servers | trim | nindent 8 }}
        {{- include "langflix.workloadEnv" . | nindent 8 }}
      ports:
        - { name: health, containerPort: 8080 }
        {{- if $web }}
        - { name: web, containerPort: {{ .root.Values.dispatcher.web.port }} }
        {{- end }}
      # Up to five minutes, which a GPU node's first container may take.
      startupProbe:
        httpGet: { path: /livez, port: health }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 60
      # Whether it is alive, not whether it has work or servers.
      livenessProbe:
        httpGet: { path: /livez, port: health }
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe:
        httpGet: { path: /readyz, port: health }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 2
      resources:
        {{- $resources := deepCopy $values.resources }}
        {{- if .workload.gpu }}
        {{- $resources = mergeOverwrite $resources (dict "limits" (dict $values.gpuResource 1)) }}
        {{- end }}
        {{- toYaml $resources | nindent 8 }}
      securityContext:
        {{- include "langflix.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "langflix.serversMounts" $servers | nindent 8 }}
        {{- if $values.scratch }}
        - { name: scratch, mountPath: /var/lib/langflix }
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- include "langflix.serversVolumes" $servers | nindent 4 }}
    {{- with $values.scratch }}
    {{- include "langflix.scratchVolume" . | nindent 4 }}
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
