//! An event file against TensorBoard 2.21.0's own writer. The bytes were made by
//!
//! ```python
//! import io
//! from tensorboard.compat.proto.event_pb2 import Event
//! from tensorboard.summary.writer.record_writer import RecordWriter
//! stream = io.BytesIO()
//! stream.close = lambda: None
//! writer = RecordWriter(stream)
//! writer.write(Event(wall_time=1000.25, file_version="brain.Event:2").SerializeToString())
//! for wall_time, step, values in [(1000.75, 0, {"loss": 0.1}), (1002.25, 300, {"loss/critic": -2.5e-7, "rate": 1e-3})]:
//!     event = Event(wall_time=wall_time, step=step)
//!     for tag, value in values.items():
//!         event.summary.value.add(tag=tag, simple_value=value)
//!     writer.write(event.SerializeToString())
//! print(stream.getvalue().hex())
//! ```

use isotherm::train::EventFile;
use serde_json::json;

const PEER: &str = "
    1800000000000000a37f4b22090000000000428f401a0d627261696e2e4576656e743a3217e9c75d1800000000000000a37f
    4b22090000000000468f402a0d0a0b0a046c6f737315cdcccc3dbfadd02c2f000000000000006d5d1d50090000000000528f
    4010ac022a210a120a0b6c6f73732f63726974696315bd3786b40a0b0a0472617465156f12833a5f8a1939
";

#[test]
fn the_bytes_are_those_of_the_peer() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("events.out.tfevents.test");
    let first = json!({ "iteration": 0, "loss": 0.1, "seconds": 0.5 });
    let file = EventFile::create(&path, 1000.25, &[first]).unwrap();
    file.append(&json!({ "iteration": 300, "seconds": 2.0, "rate": 1e-3, "loss/critic": -2.5e-7 })).unwrap();
    let got: String = std::fs::read(&path).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(got, PEER.split_whitespace().collect::<String>());
}
