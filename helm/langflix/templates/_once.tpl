{{/* The pod template of a command that ends: of (dict "root" $ "component" … "args" … "values" … "model" true). */}}
{{- define "langflix.oncePod" -}}
{{- $servers := dict "root" .root "model" .model -}}
metadata:
  labels:
    {{- toYaml (merge (fromYaml (include "langflix.selector" .)) .root.Values.commonLabels) | nindent 4 }}
  {{- with merge (dict) .values.podAnnotations .root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: Never
  {{- include "langflix.podCommon" . | nindent 2 }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: langflix
      image: {{ include "langflix.image" (dict "root" .root "image" .root.Values.mediaImage) }}
      imagePullPolicy: {{ .root.Values.mediaImage.pullPolicy }}
      command: [langflix]
      args:
        {{- toYaml .args | nindent 8 }}
        - --config=/etc/langflix/langflix.yaml
      env:
        {{- include "langflix.serversEnv" $servers | trim | nindent 8 }}
        - name: TMPDIR
          value: /var/lib/langflix
        {{- if eq .component "test" }}
        # A show of its own for each test, which would find the last one's manifest otherwise.
        - name: POD_UID
          valueFrom: { fieldRef: { fieldPath: metadata.uid } }
        {{- end }}
        {{- with .values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        {{- include "langflix.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "langflix.serversMounts" $servers | nindent 8 }}
        - { name: scratch, mountPath: /var/lib/langflix }
  volumes:
    {{- include "langflix.serversVolumes" $servers | nindent 4 }}
    - name: scratch
      emptyDir: { sizeLimit: 256Mi }
{{- end -}}
