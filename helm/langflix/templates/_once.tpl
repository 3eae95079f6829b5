{{/* The pod template of a command that ends: of (dict "root" $ "component" … "args" … "resources" … "model" true). */}}
{{- define "langflix.oncePod" -}}
{{- $servers := dict "root" .root "model" .model -}}
metadata:
  labels:
    {{- toYaml (merge (fromYaml (include "langflix.selector" .)) .root.Values.commonLabels) | nindent 4 }}
spec:
  restartPolicy: Never
  {{- include "langflix.podCommon" . | nindent 2 }}
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
      resources:
        {{- toYaml .resources | nindent 8 }}
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
