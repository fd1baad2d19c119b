"""HDFS for tests: a NameNode and a DataNode of Hadoop's own."""
