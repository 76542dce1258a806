"""Tables of SP-IMC's page: storage, cycles, select logic, energy."""
