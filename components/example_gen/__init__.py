"""Reads CSV, Parquet and TFRecord through Arrow and splits them into tf.Examples."""
