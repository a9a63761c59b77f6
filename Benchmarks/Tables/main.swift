import LockstepDatasets
import LockstepFiles
import LockstepPlatform

// Reads a table as training does, and prints how fast, and how much memory it took at the most:
// read-table FILE [ROUNDS]. tables.py runs it beside pandas and PyArrow.

/// The most memory that the process had so far, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return Int(usage.ru_maxrss) << 10
}

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
  print("usage: read-table FILE [ROUNDS]")
  exit(2)
}
do {
  let path = arguments[1]
  let size = try FileInput(path).size
  let before = peakMemory()
  for _ in 0..<(arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1) {
    let start = SystemClock.seconds
    let table = try CSVTable.read(path)
    let seconds = SystemClock.seconds - start
    print(
      "{\"rows\": \(table.rowCount), \"columns\": \(table.columns.count), \"seconds\": \(seconds), "
        + "\"bytes\": \(size), \"peak\": \(peakMemory() - before)}")
  }
} catch {
  print("\(error)")
  exit(1)
}
