"""EDA, PPG, EEG and skin temperature features: functions of samples."""
