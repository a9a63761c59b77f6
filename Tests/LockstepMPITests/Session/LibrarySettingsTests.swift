import LockstepMPI
import Testing

@Suite struct LibrarySettingsTests {
  private func variables(
    _ library: String, isLaunched: Bool = true, ranksOfNode: Int? = nil
  ) -> Set<String> {
    let settings = LibrarySettings(
      library: library, isLaunched: isLaunched, ranksOfNode: ranksOfNode, processors: 4)
    return Set(settings.variables.keys)
  }

  /// Where ranks have a processor each, looking without a pause is the quickest.
  @Test func ranksThatShareProcessorsSleep() {
    let mpich = "MPICH Version:      5.0.2\nMPICH Device: ch4:ofi\n"
    #expect(variables(mpich, ranksOfNode: 4) == [])
    #expect(
      variables(mpich, ranksOfNode: 5) == [
        "MPIR_CVAR_CH4_PROGRESS_THROTTLE", "MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT",
      ])
  }

  @Test func openMPIOfVersion4IsKeptFromItsWindows() {
    #expect(variables("Open MPI v4.1.4, package: Debian OpenMPI") == ["OMPI_MCA_osc"])
    #expect(variables("Open MPI v5.0.11, package: Open MPI") == [])
  }

  @Test func aProgramAloneStartsNoHelper() {
    #expect(
      variables("Open MPI v5.0.11", isLaunched: false) == [
        "OMPI_MCA_ess_singleton_isolated", "OMPI_MCA_orte_create_session_dirs",
      ])
  }
}
