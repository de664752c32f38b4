{{/*
A container of the platform image that runs one of the storage programs:
storage.program (list . "setup" .Values.setup.resources).
*/}}
{{- define "storage.program" -}}
{{- $root := index . 0 }}{{ $program := index . 1 }}{{ $resources := index . 2 -}}
name: {{ $program }}
image: {{ include "common.image" (list $root "platform") }}
imagePullPolicy: IfNotPresent
command: [python, -m, maru.cli.storage_job, {{ $program }}]
env:
  {{- include "storage.environment" $root | nindent 2 }}
  - { name: MARU_STORAGE, value: {{ include "storage.wanted" $root | quote }} }
  {{- if eq $program "choose" }}
  # Which backup; the newest where nobody made this ConfigMap. See docs/backup.md.
  - name: BACKUP
    valueFrom: { configMapKeyRef: { name: restore, key: backup, optional: true } }
  {{- end }}
resources: {{- toYaml $resources | nindent 2 }}
securityContext: {{- include "common.containerSecurityContext" $root | nindent 2 }}
volumeMounts:
  {{- include "storage.secretMounts" $root | nindent 2 }}
  - { name: backup, mountPath: /backup }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{/* What there has to be in both servers, as one line of JSON. */}}
{{- define "storage.wanted" -}}
{{- $accounts := ternary .Values.setup.accounts dict .Values.s3.enabled -}}
{{- dict "databases" .Values.setup.databases "accounts" $accounts "buckets" .Values.setup.buckets "keep" .Values.backup.keep | toJson -}}
{{- end }}

{{/* A container of the postgresql image that runs a file of files/: storage.script (list . "dump.sh"). */}}
{{- define "storage.script" -}}
{{- $root := index . 0 }}{{ $file := index . 1 -}}
name: databases
image: {{ include "common.image" (list $root "postgresql") }}
imagePullPolicy: IfNotPresent
command: [/bin/sh, /scripts/{{ $file }}]
env:
  {{- include "storage.environment" $root | nindent 2 }}
  # A server elsewhere may hold those of others.
  - { name: DATABASES, value: {{ keys $root.Values.setup.databases | sortAlpha | join " " | quote }} }
resources: {{- toYaml $root.Values.backup.resources | nindent 2 }}
securityContext: {{- include "common.containerSecurityContext" $root | nindent 2 }}
volumeMounts:
  {{- include "storage.secretMounts" $root | nindent 2 }}
  - { name: scripts, mountPath: /scripts, readOnly: true }
  - { name: backup, mountPath: /backup }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{/* The labels of a pod that speaks with both servers: storage.callerLabels (list . "setup"). */}}
{{- define "storage.callerLabels" -}}
{{ include "common.selectorLabels" . }}
maru.internal/access-postgresql: "true"
maru.internal/access-s3: "true"
{{- end }}

{{/* What is the same in every pod of setup, backup and restore. */}}
{{- define "storage.callerPod" -}}
serviceAccountName: storage
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: Never
securityContext: {{- include "common.podSecurityContext" . | nindent 2 }}
volumes:
  {{- include "storage.secretVolumes" . | nindent 2 }}
  - name: backup
    persistentVolumeClaim: { claimName: backup }
  - name: scripts
    configMap: { name: backup }
  - name: tmp
    {{- include "common.scratch" "32Mi" | nindent 4 }}
{{- end }}
