"""The firmware's own words, and its codes of faults; `make contract` writes them."""

from typing import Final

_TEXT: Final = """
a a-inverted a-reversed a-shifted above accept access acknowledge adafruit-lgpio add address after again air
all allow allowed already alsa an and anew another answer answers anything are as aside ask asks at at_s
authority b b-inverted back back-end battery bcm be beats begin below bit board board's body both breaking
broker broker's buffers bus busy but button bvp bvp.csv by bytes c cable called can cannot card ceiling
celsius certificate certificate's certificates change changed channel charged check chip choose chord client
clip clock come common compute conductor config config.txt configuration connection constants contains
conversion converter copy correct could counts create csv csv.gz cut damaged dates dba deaf debian defect
degrees delete denied describes desk device dialling dialout did died differs directory do docs/bring-up.md
docs/configuration.md does dominant dongle down draft draws dropped duration_s each ear eda eda.csv eeg
electrodes else empty enable end ended enum epoch error errors estimate everything expected expired expires
fault faults field file files finger firmware first fit fleet floating folder following for four free from
full full-scale gain gave give go goes gone gpio group had hand has head header headset headset's
headset.port heater held here high hold holds home hot hung hz i/o idle ignore immediate in input/output
inputs insert install integers interpreter interval intervals into invalid invented irritation is issue it
its itself jack jackd keeps kept key kind kinds known leads learns least leave left let level lgpio light
lightly line lines linux:gpio list listened ln locked long low lower machine made make matching matters may
mean measure melodies melody memory message meta minute missing mode model models/stress models/stress/eeg
module month more most ms music must name named names needs network never new newest no none not nothing npy
null number numbers object of official on once one ones only open openbci opened operation or order other
out outbox outcome_delay_max_s outcomes output outputs over overlap own package panel panel.pins part
patient pc pem per perhaps permission permitted pi pins pip player player.device player.frames
player.loudness.full_scale_dba player.rate_hz player.record playing plays plucked plug port power pressed
process processor program program.mode program.sham_levels publish pulse python raise raspberry rate reach
reaction read read-only reads recording refuses reinstall release remote remove renew repair replace reports
required resource responses responsiveness restart restarted restarts right rights rising row rules run
run_dir running running_s runs s said same samples/s saved say says scheme second seconds see select sense
sensor sensors sent seq serial server session session.json.aside set several sham share short should shows
side silence sim:gpio simulator simulator's simulator.faults slide slows so socket softer some sound source
space speaks spi sqlite_sequence stand start started state stays stead stereo stop stopped stored streams
strings struct styles styles.json.aside such sun supply survive switch synthesiser system tables takes
taking telemetry telemetry.outcome_delay_min_s telemetry.tls telemetry.tls.ca temp temp.csv text than that
the their them then there thick this those time timed times to together toml tone tones tonic too trace
train train-stress tranquillo trusted twice two under unfit unit unit's unit_id unix unknown unplug
unreadable unsent until up update us usb use used user uses v valid value values version voice voices
voltage wait was way were what where which will wires wiring with within without would write written wrong y
yet you
"""
_CODES: Final = """
adc_lost broker_certificate broker_refused broker_unreachable broker_unsteady button_stuck card_errors
certificate_expiring certificate_refused certificate_unreadable clock_unset eeg_model headset_lost
melody_model no_audio no_contact outbox_damaged outbox_full outbox_unwritable panel_lost session_damaged
session_store stress_model style_counts style_counts_damaged too_hot under_voltage unit_id_twice
"""
WORDS: Final = frozenset(_TEXT.split())  # of its sentences: all that an advice may hold
CODES: Final = frozenset(_CODES.split())
