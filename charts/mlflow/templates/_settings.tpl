{{/* The file of the login; the password of its database comes from PGPASSWORD. */}}
{{- define "mlflow.settings" -}}
basic-auth.ini: |
  [mlflow]
  default_permission = {{ .Values.auth.defaultPermission }}
  database_uri = postgresql+psycopg2://mlflow_auth@{{ .Values.postgresql.host }}:{{ .Values.postgresql.port }}/mlflow_auth
  admin_username = admin
  auth_cache_ttl_seconds = {{ .Values.auth.cacheSeconds }}
{{- end }}

{{/* The Host headers that are answered. */}}
{{- define "mlflow.allowedHosts" -}}
{{- $service := printf "mlflow.%s" .Release.Namespace -}}
{{- $own := list "mlflow" $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service) -}}
{{- $names := list "localhost:*" "127.0.0.1:*" -}}
{{- range $own }}{{ $names = append $names (printf "%s:5000" .) }}{{ end -}}
{{- concat $names .Values.allowedHosts | join "," -}}
{{- end }}

{{/*
Both databases: that of runs with the password that Kubernetes puts in for $(MLFLOW_PASSWORD), that
of accounts by the login's file and PGPASSWORD.
*/}}
{{- define "mlflow.databaseEnvironment" -}}
- name: MLFLOW_PASSWORD
  valueFrom: { secretKeyRef: { name: postgresql, key: mlflow-password } }
- name: MLFLOW_BACKEND_STORE_URI
  value: postgresql+psycopg2://mlflow:$(MLFLOW_PASSWORD)@{{ .Values.postgresql.host }}:{{ .Values.postgresql.port }}/mlflow
- { name: MLFLOW_AUTH_CONFIG_PATH, value: /etc/mlflow/basic-auth.ini }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: postgresql, key: mlflow-auth-password } }
# Neither telemetry nor a look for git and a home: the image has a root that can't be written to.
- { name: MLFLOW_DISABLE_TELEMETRY, value: "true" }
- { name: GIT_PYTHON_REFRESH, value: quiet }
- { name: HOME, value: /tmp }
{{- end }}
