# Runs inside a booted Debian; says after each step how it ended, for test_booted.py.
step() { printf 'STEP %s %s\n' "$1" "$2"; }
milliseconds() { date +%s%3N; }
now() { systemctl show "$1" -p "$2" --value; }

cd /src
for what in kiosk hub; do
	sh deploy/install.sh $what
	step install-$what $?
	step again-$what "$(sh deploy/install.sh $what)"
done
for unit in kiosk kiosk-hub; do
	systemctl enable --quiet --now $unit
	step start-$unit $?
	step state-$unit "$(systemctl is-active $unit)"
	step user-$unit "$(ps -o user:20= -p "$(now $unit MainPID)" 2>/dev/null || stat -c %U "/proc/$(now $unit MainPID)")"
	step said-$unit "$(now $unit StatusText)"
done
step hub-answers "$(python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8090/healthz").status)')"
step page-answers "$(python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8080/").status)')"
runuser -u kiosk -- kiosk doctor >/doctor.txt 2>&1
step doctor $?
step enrol "$(runuser -u kiosk -- kiosk enrol --hub http://127.0.0.1:8090 --json)"
step secrets "$(find /var/lib/kiosk /var/lib/kiosk-hub /etc/kiosk/kiosk.toml /etc/kiosk-hub/hub.toml ! -type l -perm /007 | wc -l)"

first=$(now kiosk MainPID)
kill -9 "$first"
for _ in $(seq 100); do
	[ "$(systemctl is-active kiosk)" = active ] && [ "$(now kiosk MainPID)" != "$first" ] && break
	sleep 0.1
done
step back-after-kill "$(systemctl is-active kiosk)"

for unit in kiosk kiosk-hub; do
	begun=$(milliseconds)
	systemctl stop $unit
	step stop-$unit $(($(milliseconds) - begun))
	step result-$unit "$(now $unit Result)"
done
sed -i '1i data_dir = 5' /etc/kiosk/kiosk.toml
rm -f /var/lib/kiosk/last-good.toml
systemctl start kiosk
sleep 4
step bad-settings "$(systemctl is-active kiosk) $(now kiosk NRestarts)"

for what in kiosk hub; do
	sh deploy/install.sh $what --undo
	step undo-$what $?
done
step left "$(ls -d /opt/kiosk* /etc/systemd/system/kiosk* /usr/local/bin/kiosk* /etc/udev/rules.d/*kiosk* 2>/dev/null | wc -l)"
step kept "$(ls /var/lib/kiosk/journal.db /var/lib/kiosk-hub/hub.db /etc/kiosk/kiosk.toml | wc -l)"
